"""The walk: level by level from the entry's sends, no state twice; and a failing path made as short as it gets."""

import gc
import random
import time
from collections.abc import Callable

from bench.smallworld.judge import Before, faults_of
from bench.smallworld.moves import Game, in_words
from bench.smallworld.world import World


class Failure:
    """A path of moves after which something does not hold."""

    def __init__(self, world: str, rare: int, path: list[tuple], faults: list[str]):
        self.world, self.rare, self.path, self.faults = world, rare, path, faults

    def __str__(self) -> str:
        steps = [f"  {number}. {in_words(move)}" for number, move in enumerate(self.path, 1)]
        what = "\n".join(f"  ! {fault}" for fault in self.faults)
        return f"world {self.world}, {self.rare} rare moves:\n" + "\n".join(steps) + f"\n{what}\n  path: {self.path}"


def step(game: Game, move: tuple, before: Before | None = None) -> list[str]:
    """Make one move; what is wrong then. An exception of the engine is wrong, too."""
    before = before or Before(game)
    game.world.journal.reset()
    game.world.sent.clear()
    try:
        game.play(move)
        return faults_of(game, before)
    except Exception as error:
        return [f"{type(error).__name__}: {error}"]


def follow(game: Game, start: tuple, path: list[tuple]) -> list[str] | None:
    """The faults at the end of a path from the start; None where it cannot be walked so."""
    game.restore(start)
    faults = []
    for move in path:
        if move not in game.enabled():
            return None
        faults = step(game, move)
        if faults:
            break
    return faults or None


def shrunk(game: Game, start: tuple, path: list[tuple]) -> tuple[list[tuple], list[str]]:
    """Drop moves while what is left still fails."""
    at = 0
    while at < len(path):
        shorter = path[:at] + path[at + 1 :]
        if follow(game, start, shorter):
            path, at = shorter, 0
        else:
            at += 1
    return path, follow(game, start, path) or []


class Walk:
    """One walk of one world. sizes: states of each level; cut: the first level that was not walked on from whole."""

    def __init__(self, name: str, rare: int, states: int, depth: int, seed: int, most_failures: int = 5,
                 whole: bool = False, slow: int = -1):  # fmt: skip
        self.game = Game(World(name), rare, slow)
        self.name, self.rare, self.states, self.depth = name, rare, states, depth
        self.dice = random.Random(seed)
        self.start = self.game.keep()
        self.whole = whole
        self.most_failures = most_failures
        self.failures: list[Failure] = []
        self.kinds: set[str] = set()
        self.seen = {self.game.key()}
        self.sizes = [1]
        self.steps = self.quiet = self.cut = 0
        self.closed = False
        self.seconds = 0.0

    def run(self, tell: Callable[[str], None] = lambda line: None) -> None:
        """Walk until nothing is new, or the states or the depth are reached.

        Where a level is larger than its share of what is left, a sample of it is walked on from: so that the walk
        gets as deep as it is asked to.
        """
        began = time.monotonic()
        level = [(self.start, None)]
        while level and len(self.sizes) <= self.depth and len(self.seen) < self.states:
            share = max((self.states - len(self.seen)) // (2 * (self.depth + 1 - len(self.sizes))), 1)
            if len(level) > share and not self.whole:
                self.cut = self.cut or len(self.sizes) - 1
                level = self.dice.sample(level, share)
            level = self._widen(level)
            self.sizes.append(len(level))
            self.seconds = time.monotonic() - began
            tell(f"{self.name}: depth {len(self.sizes) - 1}, {len(level)} new, {len(self.seen)} states, "
                 f"{self.steps} moves, {len(self.seen) / self.seconds:.0f} states/s")  # fmt: skip
            if len(self.failures) >= self.most_failures:
                break
        self.closed = not level and not self.cut
        self.seconds = time.monotonic() - began

    def _widen(self, level: list) -> list:
        """The states one move from a level's that were never met before."""
        game, found = self.game, []
        for kept, path in level:
            game.restore(kept)
            moves, before = game.enabled(), Before(game)
            self.quiet += not moves
            for number, move in enumerate(moves):
                if number:
                    game.restore(kept)
                self.steps += 1
                faults = step(game, move, before)
                if faults:
                    self._fail((path, move), faults)
                    continue
                key = game.key()
                if key not in self.seen:
                    self.seen.add(key)
                    found.append((game.keep(), (path, move)))
            if len(self.seen) >= self.states or len(self.failures) >= self.most_failures:
                break
        return found

    def _fail(self, linked, faults: list[str]) -> None:
        """Keep a failure once a kind of it, shrunk."""
        kind = "".join(letter for letter in faults[0] if not letter.isdigit())
        if kind in self.kinds:
            return
        self.kinds.add(kind)
        path = []
        while linked:
            linked, move = linked
            path.append(move)
        path, faults = shrunk(self.game, self.start, path[::-1])
        self.failures.append(Failure(self.name, self.rare, path, faults))

    def figures(self) -> dict:
        """What the walk came to."""
        return {
            "world": self.name, "rare": self.rare, "slow": self.game.slow,
            "states": len(self.seen), "moves": self.steps,
            "depth": len(self.sizes) - 1, "levels": self.sizes, "closed": self.closed,
            "whole_to_depth": self.cut or len(self.sizes) - 1, "seconds": round(self.seconds, 1),
            "states_per_s": round(len(self.seen) / max(self.seconds, 1e-9)),
            "failures": [str(failure) for failure in self.failures],
        }  # fmt: skip


def walked(name: str, rare: int, states: int, depth: int, seed: int, whole: bool, slow: int) -> dict:
    """One walk, told line by line; its figures. A process of its own runs it."""
    gc.disable()  # nothing here is cyclic, and a look at a million states takes longer than to make them
    walk = Walk(name, rare, states, depth, seed, whole=whole, slow=slow)
    walk.run(lambda line: print(line, flush=True))
    return walk.figures()
