"""A golden digest: one scripted day gives these very bytes on every machine.

It changes only with the meaning of a record or of the engine's behaviour; then the new digest is committed with it.
"""

import hashlib

from engine import records
from tests.world import World, demo_config

GOLDEN = "08ce0d3fe2bb3ce2c3a930bb3962bc58"


def play() -> World:
    """Entries and exits over a swinging spread, with part fills, rejects, doubt and late reports."""
    faults = {
        "SIM_SHFE": [{"at_order": 2, "do": "partial", "lots": 1}, {"at_order": 5, "do": "duplicate"}],
        "SIM_OTC": [{"at_order": 4, "do": "reject", "reason": "margin"}, {"at_order": 6, "do": "delay_ms", "ms": 1200}],
    }
    world = World(demo_config(center=None, min_samples=8, entry=0.2), faults)
    for turn in range(240):
        # A saw of 40 steps between 5.6 and 6.4.
        phase = turn % 40
        world.market(5.6 + 0.04 * (phase if phase < 20 else 40 - phase))
        world.step(60)
    return world


def digest(world: World) -> str:
    """Of every input and output record, but the CONFIG, which names versions."""
    found = hashlib.blake2b(digest_size=16)
    for record in world.journal.records():
        if record.kind < records.FIRST_ASIDE and record.kind != records.CONFIG:
            found.update(record.payload)
    return found.hexdigest()


def test_the_golden_day_gives_the_golden_bytes():
    world = play()
    world.check()
    outcomes = world.outcomes()
    assert {"complete"} <= set(outcomes)
    assert len(outcomes) > 10
    assert digest(world) == GOLDEN


def test_the_same_day_twice_gives_the_same_bytes():
    assert digest(play()) == digest(play())
