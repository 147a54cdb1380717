"""The real loop over a State of a few kilobytes: how a moment of it is kept, restored, looked at and compared."""

import marshal
from functools import cache
from hashlib import blake2b

import msgspec
import numpy as np

from desk.assembly import assemble, config_hash, config_record
from desk.calendars import load_calendars
from desk.config import Config
from desk.demo import ROOT
from desk.toml_reader import read
from engine.journal import MemoryJournal
from engine.loop import Loop
from engine.orders import TERMINAL
from engine.ports import FAILED, MARKET_DATA, QUOTE_LIMIT_DOWN, READY, TRADING, WRITTEN, AccountReport, OrderRequest
from engine.records import CLOSED, HALTED
from engine.schema import ORDER, SENT_STATE, TABLES

BEAT_NS = 500_000_000
BEGIN_NS = 1_800_000_000 * 1_000_000_000
_MARKET_NS = 1_794_964_000 * 1_000_000_000  # 2026-11-18, in the morning session of Shanghai
_ROWS = (64, 2)
_FAR_NS = 20_000_000_000  # no pause or limit looks further
_NEVER_NS = 2**62
AU, GC, FX = range(3)
_MID = {AU: 15_515, GC: 13_950, FX: 68_960}
NORMAL, ONE_SIDED, LOCKED, SILENT = range(4)
BOOKS = ("normal", "without bids", "locked at the lower limit", "silent")

# name -> (ratios, units, repair, strategy): the small worlds.
WORLDS = {
    "single": ((1, -1), 1, {"on_partial": "cheapest", "max_tries": 2}, {}),
    "pairs": ((1, -1), 3, {"on_partial": "cheapest", "max_tries": 2}, {}),
    "unwind": ((1, -1), 3, {"on_partial": "unwind", "max_tries": 2}, {}),
    "gold": ((3, -1), 1, {"on_partial": "complete", "max_tries": 3}, {}),
    "lean": ((1, -1), 2, {"on_partial": "complete", "max_tries": 3, "lean_ms": 1000, "lock_wait_ms": 1000}, {}),
    "lead": ((1, -1), 3, {"on_partial": "complete", "max_tries": 2},
             {"dispatch": "lead_lag", "lead": "COMEX.GCG7"}),
}  # fmt: skip

# What the future depends on, a table at a time: fields that count as they are, and times that count by their distance.
_PLAIN = {
    "venue": ("link", "switch", "in_doubt"), "account": ("held_micros", "switch"),
    "instrument": ("rejects", "lock_cancels"),
    "book": ("bid_ticks", "bid_lots", "ask_ticks", "ask_lots", "blocked", "flags"),
    "position": ("long_today", "long_yesterday", "short_today", "short_yesterday", "working_buy", "working_sell",
                 "closing_long_today", "closing_long_yesterday", "closing_short_today", "closing_short_yesterday",
                 "own_bid_ticks", "own_ask_ticks"),
    "spread": ("switch", "open_deals", "residual_ubase"), "strategy": ("position_units", "open_deals", "switch"),
    "deal": ("state", "outcome", "done_units", "legs", "booked_lots", "orders", "in_doubt", "exposure_ubase",
             "low_ubase", "high_ubase", "repairs", "queued", "resolution"),
}  # fmt: skip
_TIMES = {"instrument": ("broken_until_ns",), "book": ("recv_ns",)}
_MOST_FAILS, _ASK_SHIFT = 3, 4  # beyond which pauses grow no more
# What the checks look at: (table, rows).
_LOOKED_AT = (("position", 2), ("account", 2), ("venue", 2), ("spread", 1), ("strategy", 1))
_HEAD = ("switch", "live_orders", "live_deals", "unbalanced_deals")


class Look:
    """A moment as plain integers: the deal, its orders by number in order of age, and the tables beside them."""

    def __init__(self, world: "World"):
        core, words = world.core, world.words
        numbers = next(iter(core.deal_orders.values()))
        rows = world.order_words[[number & (_ROWS[0] - 1) for number in numbers]].tolist()
        self.rows = {number: dict(zip(ORDER.names, row, strict=True))
                     for number, row in zip(numbers, rows, strict=True)}  # fmt: skip
        flat = words[world.looked_at].tolist()
        self.deal, at = dict(zip(DEAL_WORDS, flat, strict=False)), len(DEAL_WORDS)
        for table, count in _LOOKED_AT:
            names = WORDS[table]
            found = []
            for _ in range(count):
                found.append(dict(zip(names, flat[at : at + len(names)], strict=True)))
                at += len(names)
            setattr(self, table, found)
        self.head = dict(zip(_HEAD, flat[at:], strict=True))


def _words_of(dtype) -> tuple:
    """A name for each word of a row: a field's own, or (field, number) where it is an array."""
    names = []
    for name in dtype.names:
        count = dtype.fields[name][0].itemsize // 8
        names += [name] if count == 1 else [(name, number) for number in range(count)]
    return tuple(names)


WORDS = {name: _words_of(dtype) for name, dtype in TABLES.items() if name != "scratch"}
DEAL_WORDS = WORDS["deal"]


class Wire:
    """`engine.ports.Gateway`: notes what is sent and, where the link is up, that the venue has it."""

    def __init__(self, world: "World", venue: int):
        self.world, self.venue, self._frame = world, venue, None

    def encode_order(self, order: OrderRequest, now_ns: int) -> bytes:
        self._frame = ("order", order)
        return b"order"

    def encode_cancel(self, order: OrderRequest, cancel_id: str, now_ns: int) -> bytes:
        self._frame = ("cancel", order)
        return b"cancel"

    def encode_query(self, order: OrderRequest, query_id: str, now_ns: int) -> bytes:
        self._frame = ("query", order)
        return b"query"

    def write(self, frame: bytes) -> int:
        status = WRITTEN if self.world.links[self.venue] else FAILED
        self.world.sent.append((*self._frame, status))
        return status


@cache
def _small_config(name: str) -> dict:
    ratios, units, repair, strategy = WORLDS[name]
    config, problems = read(ROOT / "configs" / "demo" / "generated" / "engine.toml", Config)
    assert not problems, problems
    change = msgspec.structs.replace
    chosen = {"center": 6.0, "entry": 0.25, "exit": 0.05, "min_edge": 0.0, "cooldown_ms": 0, "max_units": units,
              "clip_units": units, "deadline_ms": 1000}  # fmt: skip
    one = change(config.strategies[0], **(chosen | strategy))
    beats = {"retry_ms": 500, "pay_up_ticks": [1], "naked_limit_ms": 4000}
    one = change(one, repair=change(one.repair, **(beats | repair)))
    spread = config.spreads[0]
    legs = [change(leg, ratio=ratio) for leg, ratio in zip(spread.legs, ratios, strict=True)]
    gc = config.instruments[GC]
    if ratios == (1, -1):
        gc = change(gc, lot_size="1000 g")
    au = change(config.instruments[AU], lower_limit="284.00", upper_limit="347.20")  # no venue tells them here
    rows = [change(row, max_age_ms=3000) for row in (au, gc, config.instruments[FX])]
    config = change(
        config, strategies=[one], include=[], instruments=rows,
        spreads=[change(spread, legs=legs, window=2, ledger_hedge=False)],
        pools=[change(config.pools[0], capital=1e12)],
        engine=change(config.engine, ack_timeout_ms=1000, query_every_ms=1000, circuit_rejects=3, circuit_ms=2000),
    )  # fmt: skip
    return config_record(config, load_calendars()[0], _MARKET_NS, "a small world")


class World:
    """One loop for a whole walk: `keep` and `restore` take it from moment to moment.

    links: whether what is written to a venue arrives. sent: (kind, order, status) of the last move. base: the words of
    the state at the start, from which every kept moment is a difference.
    """

    def __init__(self, name: str):
        self.name, self.now_ns = name, BEGIN_NS
        self.links, self.sent = [True, True], []
        self.record = _small_config(name)
        self.journal = MemoryJournal(1 << 20)
        self.loop: Loop = assemble(
            self.record, self.journal, [Wire(self, 0), Wire(self, 1)], lambda: self.now_ns, _ROWS
        )
        self.core, self.state = self.loop.core, self.loop.core.state
        self.words = self.state.block.view(np.int64)
        self.books = [NORMAL, NORMAL]
        self.core.next_sample_ns = _NEVER_NS
        self._start()
        self._enter()
        self._plain, self._times = self._places()
        self.looked_at = self._look_places()
        self._seen: Look | None = None
        self.base = self.words.copy()
        self.order_words = self.state.order.view(np.int64).reshape(len(self.state.order), -1)

    def _start(self) -> None:
        self.restart(1)
        for venue in range(2):
            self.loop.on_link(venue, TRADING, READY, self.now_ns, "")
        for account in range(2):
            self.loop.on_account(AccountReport(account=account, balance_micros=10**15, available_micros=10**15,
                                               margin_micros=0, recv_ns=self.now_ns))  # fmt: skip

    def restart(self, epoch: int) -> None:
        """A new start of the engine, its market data up, its trading links down."""
        fields = {"epoch": epoch, "config_hash": config_hash(self.record) if epoch == 1 else b"",
                  "clock_base_ns": _MARKET_NS, "clock_start_ns": BEGIN_NS, "clock_speed_milli": 1000,
                  "version": b"small"}  # fmt: skip
        self.loop.on_start(fields, {}, self.now_ns)
        for venue in range(2):
            self.loop.on_link(venue, MARKET_DATA, READY, self.now_ns, "")

    def _enter(self) -> None:
        """The quotes that make the one decision; after them the strategy decides nothing more."""
        for instrument in (FX, GC, AU):
            self.quote(instrument)
        if not any(kind == "order" for kind, _, _ in self.sent):
            raise RuntimeError(f"the world {self.name!r} was not entered: {self.state.scratch['verdict']}")
        self.state.strategy["cooldown_ns"] = _NEVER_NS
        self.entered, self.sent = self.sent, []

    def quote(self, instrument: int) -> None:
        """Quote an instrument as its book is now; a silent one not at all."""
        kind = NORMAL if instrument == FX else self.books[instrument]
        if kind == SILENT:
            return
        bid_lots = 30 if kind == NORMAL else 0
        self.loop.on_quote(
            instrument, _MID[instrument] if bid_lots else 0, bid_lots, _MID[instrument] + 1, 30, self.now_ns,
            self.now_ns, 0, QUOTE_LIMIT_DOWN if kind == LOCKED else 0,
        )  # fmt: skip

    def _places(self) -> tuple[np.ndarray, np.ndarray]:
        """The words of the block that count as they are, and those that count by their distance from now."""
        found = {True: [], False: []}
        for of, plain in ((_PLAIN, True), (_TIMES, False)):
            for table, names in of.items():
                rows = 2 if table in ("book", "position", "instrument") else int(self.state.head[f"n_{table}"])
                at, dtype = int(self.state.head[f"at_{table}"]), TABLES[table]
                numbers = [int(self.state.deal["deal_id"].argmax())] if table == "deal" else range(rows)
                for row in numbers:
                    for name in names:
                        field, offset = dtype.fields[name][:2]
                        start = (at + row * dtype.itemsize + offset) // 8
                        found[plain] += range(start, start + field.itemsize // 8)
        head = self.state.head.dtype.fields
        found[True] += [head[name][1] // 8 for name in _HEAD]
        return np.array(found[True]), np.array(found[False])

    def _look_places(self) -> np.ndarray:
        at = {name: int(self.state.head[f"at_{name}"]) // 8 for name in TABLES}
        slot = int(self.state.deal["deal_id"].argmax())
        found = list(range(at["deal"] + slot * len(DEAL_WORDS), at["deal"] + (slot + 1) * len(DEAL_WORDS)))
        for table, count in _LOOKED_AT:
            found += range(at[table], at[table] + count * len(WORDS[table]))
        head = self.state.head.dtype.fields
        return np.array(found + [head[name][1] // 8 for name in _HEAD])

    def look(self) -> Look:
        """The moment as plain integers, read once; `moved` says that it is over."""
        if self._seen is None:
            self._seen = Look(self)
        return self._seen

    def moved(self) -> None:
        self._seen = None

    def keep(self) -> tuple:
        """The moment, as what differs from the base and the containers of the Core."""
        core, words = self.core, self.words
        changed = np.flatnonzero(words != self.base).astype(np.uint16)
        return (
            changed.tobytes(), words[changed].tobytes(), self.now_ns, tuple(self.links), tuple(self.books),
            tuple(core.live_orders), tuple(core.open_deals), tuple(core.halted),
            tuple((deal, tuple(numbers)) for deal, numbers in core.deal_orders.items()), tuple(core.trades.items()),
            tuple(core.told.items()), tuple(core.requests.items()), self.loop.stopping, tuple(core.stopped.items()),
            core.ordered, frozenset(core.busted), tuple(core.unknown_since.items()),
        )  # fmt: skip

    def restore(self, kept: tuple) -> None:
        core, words = self.core, self.words
        self._seen = None
        words[:] = self.base
        words[np.frombuffer(kept[0], np.uint16)] = np.frombuffer(kept[1], np.int64)
        self.now_ns, self.links[:], self.books[:] = kept[2], kept[3], kept[4]
        core.now_ns = self.now_ns
        core.live_orders, core.open_deals = dict.fromkeys(kept[5]), dict.fromkeys(kept[6])
        core.halted = dict.fromkeys(kept[7])
        core.deal_orders = {deal: list(numbers) for deal, numbers in kept[8]}
        core.trades, core.told, core.requests = dict(kept[9]), dict(kept[10]), dict(kept[11])
        self.loop.stopping, core.stopped, core.ordered = kept[12], dict(kept[13]), kept[14]
        core.busted, core.unknown_since = set(kept[15]), dict(kept[16])
        core.failed.clear()
        self.sent.clear()
        self.journal.reset()

    def key(self, venues: tuple) -> bytes:
        """What this moment means for the future, in 16 bytes. venues: the venues' side of it."""
        now, look = self.now_ns, self.look()
        times = [max(time - now, -_FAR_NS) if time else 0 for time in self.words[self._times].tolist()]
        orders = [self._order_key(row, now) for row in look.rows.values()]
        whole = marshal.dumps(
            (self.words[self._plain].tobytes(), times, _deal_key(look.deal, now), orders, venues, self.books,
             self.loop.stopping, len(self.core.halted)), 2,
        )  # fmt: skip
        return blake2b(whole, digest_size=16).digest()

    def _order_key(self, row: dict, now: int) -> tuple:
        told = (row["leg"], row["side"], row["lots"], row["state"], row["in_doubt"], row["cum_lots"],
                row["booked_lots"], row["settled"], row["tif"], row["purpose"])  # fmt: skip
        if row["settled"]:
            return (*told, bool(row["cancel_ns"]), bool(row["asked"]))
        asked = row["asked"] if row["asked"] < 6 else 6 + row["asked"] % 2
        pause = -(self.core.timing.query_every_ns << min(row["asked"], _ASK_SHIFT))
        asked_age = max(row["asked_ns"] - now, pause) if row["asked_ns"] else None
        sent_age = None
        if asked_age is None or (row["state"] == SENT_STATE and not row["in_doubt"]):
            sent_age = max(row["sent_ns"] - now, min(pause, -2 * BEAT_NS))
        more = (row["working_lots"], row["hold_micros"], row["limit_ticks"], asked, asked_age, sent_age)
        if row["state"] in TERMINAL:
            return (*told, *more, bool(row["cancel_ns"]))
        cancel_age = max(row["cancel_ns"] - now, min(pause, -3 * BEAT_NS)) if row["cancel_ns"] else None
        return (*told, *more, cancel_age, max(row["deadline_ns"] - now, -1), max(row["release_ns"] - now, -1))


def _deal_key(deal: dict, now: int) -> tuple:
    """Of a deal's times: the next repair, and what is left of its naked time."""
    fails, since = min(deal["fails"], _MOST_FAILS), deal["naked_since_ns"]
    if deal["outcome"] == HALTED:  # taken up again with fresh limits
        return (bool(since), bool(deal["fills"]))
    spent = deal["naked_ns"] - deal["granted_ns"] + (now - since if since else 0)
    repair = max(deal["next_repair_ns"] - now, 0) if deal["state"] != CLOSED else 0
    return (bool(since), bool(deal["fills"]), fails, spent, repair)
