"""What the timer does: sessions, levels, patience, repairs that are due, samples of spreads and capital."""

import numpy as np

from engine import (
    days,
    kill,
    ledger_hedge,
    legs,
    levels,
    limits,
    losses,
    pools,
    proposals,
    ramp,
    reports,
    settle,
    stands,
    switches,
    transit,
    views,
)
from engine.core import Core
from engine.orders import TERMINAL
from engine.records import CLOSED, HALT_TRADES, SPREAD, SPREAD_DTYPE
from engine.schema import CANCEL_SENT, UNSET
from engine.use import is_quiet_beat

_ASKED_IN_VAIN = 4


def quiet_until(core: Core) -> tuple[int, int]:
    """(engine time, market time), ns: beats before both have nothing to do where no level is crossed
    (`engine.use.is_quiet_beat`); (0, 0) while anything is alive, or waits for a time of its own."""
    if (core.live_orders or core.open_deals or core.locked or core.early or core.drills or core.until
            or core.unknown_since or core.failed):  # fmt: skip
        return 0, 0
    next_day_ns = (core.market_day + 1) * limits.NS_PER_DAY
    return core.next_sample_ns, min(core.next_session_ns, core.next_date_ns, next_day_ns)


def on_tick(core: Core) -> None:
    """One beat of the journalled timer. A quiet one, as most are, ends here: `hot.walk` passes over it likewise."""
    until_ns, until_market_ns = quiet_until(core)
    if core.now_ns < until_ns and is_quiet_beat(core.state.address, core.now_ns, until_ns, until_market_ns):
        return
    limits.refresh_date(core)
    refresh_sessions(core)
    days.roll(core)
    switches.on_tick(core)
    levels.watch(core)
    if core.locked:
        unlock(core)
    if core.early:
        reports.tell_unmatched(core)
    for number in list(core.live_orders):
        row = core.state.order_row(number)
        if row is not None and not row["settled"]:
            _patience(core, row)
    for deal_id in list(core.open_deals):
        deal = core.state.deal_row(deal_id)
        if deal is not None and deal_id in core.open_deals:
            settle.check_deal(core, deal)
    if core.drills:
        kill.look(core)
    if core.now_ns >= core.next_sample_ns and not core.state.head["no_room"]:
        core.next_sample_ns = core.now_ns - core.now_ns % core.timing.sample_ns + core.timing.sample_ns
        sample(core)
        losses.look(core)
        days.emit_meters(core)
        ramp.look(core)  # goes by the day's profit and loss, so behind what counts it
        ledger_hedge.hedge_due(core)


def _patience(core: Core, row) -> None:
    doubted = bool(row["in_doubt"])
    legs.check_patience(core, row)
    deal = core.state.deal_row(int(row["deal_id"]))
    if deal is None or deal["state"] == CLOSED:
        return
    if row["in_doubt"] and not doubted:
        # One that has been in doubt before was certain again since: only its last cancel is unanswered.
        again = row["asked"] and row["state"] == CANCEL_SENT
        settle.review(core, deal, int(row["cancel_ns"] if again else row["sent_ns"]))
    elif row["state"] in TERMINAL and not row["in_doubt"] and row["asked"] >= _ASKED_IN_VAIN and _waited(core, deal):
        # The venue says how much traded, but not in which trades, however often it is asked: nothing is made up.
        settle.halt(core, deal, HALT_TRADES)


def _waited(core: Core, deal) -> bool:
    """Whether trades have been missing for as long as so many questions take: an answer may have come just now."""
    since_ns = int(deal["untold_ns"])
    return bool(since_ns) and core.now_ns - since_ns >= _ASKED_IN_VAIN * core.timing.query_every_ns


def refresh_sessions(core: Core) -> None:
    """Hand the compiled half the section of each contract's calendar that holds now, when the last one has run out."""
    market_ns = core.state.market_ns(core.now_ns)
    if market_ns < core.next_session_ns:
        return
    table, forget = core.state.instrument, False
    for index in np.flatnonzero((table["close_ns"] == UNSET) | (table["close_ns"] <= market_ns)):
        row = table[index]
        opens_ns, closes_ns, trading_day = core.sessions(int(index), market_ns)
        forget |= limits.turn_day(core, int(index), trading_day)
        row["open_ns"], row["close_ns"], row["trading_day"] = opens_ns, closes_ns, trading_day
    if forget:
        limits.forget_bands(core)
    core.next_session_ns = int(table["close_ns"].min()) if len(table) else 0
    days.roll_meters(core)


def unlock(core: Core) -> None:
    """A contract that is no longer locked at its price limit has its cancels of a lock back."""
    for index in sorted(core.locked):
        if not views.locked_side(core, index):
            core.state.instrument[index]["lock_cancels"] = 0
            core.locked.discard(index)


def sample(core: Core) -> None:
    """Spreads into their rolling statistics, capital counted and shared out, what a person might do with money told."""
    core.hot.sample(core.state.address, core.now_ns)
    _emit_spreads(core)
    pools.sample(core)
    transit.tell_late(core)
    proposals.propose(core)
    stands.emit_stands(core)


def _emit_spreads(core: Core) -> None:
    """Every spread as it stands: the rows filled column by column, which a thousand spreads notice."""
    table, strategies = core.state.spread, core.state.strategy
    rows = np.zeros(len(table), SPREAD_DTYPE)
    rows["spread"] = np.arange(len(table))
    for name in ("blocked", "diff", "buy", "sell", "buy_units", "sell_units", "oldest_ns", "residual_ubase"):
        rows[name] = table[name]
    rows["ratio"], rows["mean"], rows["sd"] = table["ratio_mid"], table["mean"][:, 0], table["sd"][:, 0]
    for name in ("position_units", "opportunities"):
        np.add.at(rows[name], strategies["spread"], strategies[name])
    for row in rows:
        core.journal.append(SPREAD, core.now_ns, row)
