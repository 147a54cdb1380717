"""Trades the residual ledger away, in a single leg, when a lot's worth has gathered: a deal of its own."""

from engine.core import Core
from engine.launch import launch
from engine.ports import IOC
from engine.records import LEDGER_HEDGE
from engine.schema import ACTIVE

_AGAIN_NS = 5_000_000_000  # after a try, whatever came of it


def hedge_due(core: Core) -> None:
    """On the timer: every spread at rest whose residual is worth a lot of its hedging leg."""
    if core.state.head["switch"] != ACTIVE or core.state.head["unbalanced_deals"]:
        return
    for index, row in enumerate(core.state.spread):
        if row["hedge_leg"] < 0 or row["residual_ubase"] == 0 or row["open_deals"] or row["strategy_n"] == 0:
            continue
        lots = _lots(row)
        if lots and core.now_ns >= row["hedge_next_ns"] and core.state.strategy[row["strategy_at"]]["switch"] == ACTIVE:
            row["hedge_next_ns"] = core.now_ns + _AGAIN_NS
            _hedge(core, index, row, lots)


def _lots(spread) -> int:
    """Whole lots of the hedging leg that the residual is worth, signed against it; never past zero."""
    residual, lot = int(spread["residual_ubase"]), int(spread["hedge_ubase"][spread["hedge_leg"]])
    worth = abs(residual) // lot
    return -worth if residual > 0 else worth


def _hedge(core: Core, index: int, spread, lots: int) -> None:
    state = core.state
    leg = int(spread["hedge_leg"])
    instrument, book_row = int(spread["instrument"][leg]), state.book[spread["instrument"][leg]]
    if not (book_row["bid_lots"] > 0 and book_row["ask_lots"] > 0):
        return
    strategy = state.strategy[spread["strategy_at"]]
    side = 1 if lots > 0 else -1
    touch = int(book_row["ask_ticks"] if lots > 0 else book_row["bid_ticks"])
    shown = int(book_row["ask_lots"] - book_row["taken_ask_lots"] if lots > 0 else
                book_row["bid_lots"] - book_row["taken_bid_lots"])  # fmt: skip
    most = min(int(state.instrument[instrument]["max_order_lots"]), max(shown, 0))
    decision = state.scratch["decision"][0]
    state.head["decision_counter"] += 1
    decision["decision_id"] = decision["deal_id"] = state.head["decision_counter"]
    decision["strategy"], decision["spread"], decision["side"] = spread["strategy_at"], index, side
    decision["purpose"], decision["units"], decision["tif"] = LEDGER_HEDGE, 0, IOC
    decision["slippage_ticks"] = strategy["slippage_ticks"]
    decision["deadline_ns"] = core.now_ns + int(strategy["deadline_ns"])
    for name in ("signal", "executable", "center", "threshold", "cost"):
        decision[name] = 0.0
    decision["legs"] = spread["legs"]
    for number in range(int(spread["legs"])):
        at = int(spread["instrument"][number])
        decision["instrument"][number], decision["lots"][number] = at, 0
        decision["ref_ticks"][number] = decision["limit_ticks"][number] = state.book[at]["bid_ticks"]
    decision["lots"][leg] = side * min(abs(lots), most)
    decision["ref_ticks"][leg] = touch
    decision["limit_ticks"][leg] = touch + side * int(strategy["slippage_ticks"])
    if most:
        launch(core, 0)
