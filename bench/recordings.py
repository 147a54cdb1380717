"""Journals for benches: the bench's own engine through a day of its market, a quote a millisecond in virtual time."""

import shutil
from pathlib import Path

from bench.figures import demand
from bench.rig import Market, check_end, engine, tuned
from engine.clock import now_ns
from engine.ids import client_id
from engine.loop import Loop
from engine.ports import MARKET_DATA, READY, TRADING, AccountReport, Event, ExecReport

STEP_NS = 1_000_000
_TURN_QUOTES = 2_000  # between two looks for a next page


def recorded(base: Path, quotes: int, quotes_a_deal: int, quotes_a_beat: int) -> Path:
    """The journal of so many quotes behind the opening three; a decision in each quotes_a_deal (0: none), both its
    orders filled before the next quote; a beat of the timer in each quotes_a_beat (0: none). Refused where the run did
    not end as it had to."""
    base.mkdir(parents=True)
    config, calendars = tuned()
    deals = quotes // quotes_a_deal if quotes_a_deal else 0
    with engine(base, config, calendars) as loop:
        at_ns = now_ns()
        _connect(loop, at_ns)
        market = Market()
        for quote in market.opening():
            loop.on_quote(*quote, at_ns, at_ns, 0, 0)
        for number in range(1, quotes + 1):
            at_ns += STEP_NS
            moves = quotes_a_deal and number % quotes_a_deal == 0
            loop.on_quote(*(market.move() if moves else market.idle()), at_ns, at_ns, 0, 0)
            if moves:
                _fill(loop, at_ns + STEP_NS // 2)
            if quotes_a_beat and number % quotes_a_beat == 0:
                loop.on_timer(at_ns)
            if number % _TURN_QUOTES == 0:
                loop.core.journal.turn()
        check_end(loop, deals)
        demand(int(loop.core.state.head["quotes"]) == quotes + 3, f"{quotes} quotes taken")
    shutil.rmtree(base / "live", ignore_errors=True)
    return base / "journal"


def _connect(loop: Loop, at_ns: int) -> None:
    for venue in range(len(loop.core.state.venue)):
        for channel in (MARKET_DATA, TRADING):
            loop.on_link(venue, channel, READY, at_ns, "bench")
    for account in range(len(loop.core.state.account)):
        money = AccountReport(account=account, balance_micros=10**15, available_micros=10**15, margin_micros=0,
                              recv_ns=at_ns)  # fmt: skip
        loop.on_account(money)


def _fill(loop: Loop, at_ns: int) -> None:
    """Every live order is accepted and filled at its limit."""
    core = loop.core
    for number in list(core.live_orders):
        row = core.state.order_row(number)
        instrument, lots = int(row["instrument"]), int(row["lots"])
        fixed = {
            "venue": int(core.state.instrument[instrument]["venue"]), "order_no": number,
            "client_id": client_id(number), "instrument": instrument, "side": int(row["side"]), "recv_ns": at_ns,
        }  # fmt: skip
        loop.on_report(ExecReport(event=Event.ACK, leaves_lots=lots, **fixed))
        trade = {"last_lots": lots, "last_ticks": int(row["limit_ticks"]), "trade_id": f"T{number}"}
        loop.on_report(ExecReport(event=Event.TRADE, cum_lots=lots, **trade, **fixed))
    demand(loop.is_quiet(), f"a closed deal, found {loop.left_open()}")
