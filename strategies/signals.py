"""From priced spreads to decisions: asks every strategy of a spread, and writes down what it wants."""

from engine.jit import njit
from engine.ports import BUY, IOC, SELL
from engine.records import ENTRY, EXIT
from engine.schema import HALTED, MAX_DECISIONS, REDUCE_ONLY, UNSET
from engine.tables import (
    books_of,
    head_of,
    instruments_of,
    market_ns,
    scratch_of,
    spreads_of,
    strategies_of,
    touches_of,
)
from strategies import ratio_cross, spread_cross

SPREAD_CROSS, RATIO_CROSS = range(2)
KINDS = {"spread_cross": SPREAD_CROSS, "ratio_cross": RATIO_CROSS}
BANDS = {"price": 0, "z": 1}


@njit
def _wanted_units(strategy, spread, side, purpose):
    units = min(strategy.clip_units, spread.buy_units if side > 0 else spread.sell_units)
    held = abs(strategy.position_units)
    return min(units, strategy.max_units - held if purpose == ENTRY else held)


@njit
def _write_legs(base, decision, spread):
    """Every leg at its touch, with the strategy's slippage allowance as the limit."""
    books = books_of(base)
    decision.legs = spread.legs
    for leg in range(spread.legs):
        at = spread.instrument[leg]
        lots = spread.ratio[leg] * decision.units * decision.side
        touch = books[at].ask_ticks if lots > 0 else books[at].bid_ticks
        decision.instrument[leg] = at
        decision.lots[leg] = lots
        decision.ref_ticks[leg] = touch
        decision.limit_ticks[leg] = touch + (decision.slippage_ticks if lots > 0 else -decision.slippage_ticks)


@njit
def ask_strategy(base, index, now_ns):
    """Let one strategy look at its spread; a decision goes to the scratch row. True where it made one."""
    strategy = strategies_of(base)[index]
    spread = spreads_of(base)[strategy.spread]
    scratch = scratch_of(base)
    if spread.blocked or strategy.switch == HALTED or scratch.decisions >= MAX_DECISIONS:
        return False
    if (not strategy.fixed_center or strategy.band) and spread.samples < strategy.min_samples:
        return False
    if strategy.flatten_ns >= 0 and _closes_within(base, spread, strategy.flatten_ns, now_ns):
        # What is not to be carried over is not entered any more either.
        held = strategy.position_units != 0 and spread.open_deals == 0
        return held and _write_exit(base, index, now_ns)
    if strategy.kind == SPREAD_CROSS:
        side, purpose, signal, executable, center, threshold, cost = spread_cross.decide(strategy, spread, now_ns)
    else:
        side, purpose, signal, executable, center, threshold, cost = ratio_cross.decide(strategy, spread, now_ns)
    if side == 0 or (purpose == ENTRY and strategy.switch == REDUCE_ONLY) or spread.open_deals > 0:
        return False
    return _write(base, index, side, purpose, signal, executable, center, threshold, cost, now_ns)


@njit
def _closes_within(base, spread, span_ns, now_ns):
    """Whether a leg's session ends within so much market time: then a position that is not to be carried is exited."""
    market = market_ns(head_of(base), now_ns)
    instruments = instruments_of(base)
    for leg in range(spread.legs):
        close_ns = instruments[spread.instrument[leg]].close_ns
        if close_ns != UNSET and close_ns - market <= span_ns:
            return True
    return False


@njit
def _write_exit(base, index, now_ns):
    """The exit of a whole position before a close, whatever the signal says; as much a try as a clip allows."""
    strategy = strategies_of(base)[index]
    spread = spreads_of(base)[strategy.spread]
    if strategy.open_deals > 0 or now_ns - strategy.last_decision_ns < strategy.cooldown_ns:
        return False
    side = SELL if strategy.position_units > 0 else BUY
    executable = spread.sell if side < 0 else spread.buy
    return _write(base, index, side, EXIT, spread.diff, executable, spread.diff, 0.0, spread.fee + spread.cost, now_ns)


@njit
def _write(base, index, side, purpose, signal, executable, center, threshold, cost, now_ns):
    """Leave a decision in the scratch row; False where no unit of it could be traded."""
    head = head_of(base)
    strategy = strategies_of(base)[index]
    spread = spreads_of(base)[strategy.spread]
    scratch = scratch_of(base)
    units = _wanted_units(strategy, spread, side, purpose)
    if units <= 0:
        return False
    decision = scratch.decision[scratch.decisions]
    scratch.decisions += 1
    head.decision_counter += 1
    decision.decision_id = head.decision_counter
    decision.deal_id = head.decision_counter
    decision.strategy, decision.spread = index, strategy.spread
    decision.side, decision.purpose, decision.units = side, purpose, units
    decision.slippage_ticks, decision.tif = strategy.slippage_ticks, IOC
    decision.deadline_ns = now_ns + strategy.deadline_ns
    decision.signal, decision.executable, decision.center = signal, executable, center
    decision.threshold, decision.cost = threshold, cost
    _write_legs(base, decision, spread)
    strategy.last_decision_ns = now_ns
    if purpose == ENTRY:
        strategy.armed[0 if side > 0 else 1] = 0
    return True


@njit
def ask_strategies(base, instrument, now_ns):
    """Ask the strategies of every spread that this instrument touches; how many decisions wait in the scratch row."""
    scratch = scratch_of(base)
    scratch.decisions = 0
    row = instruments_of(base)[instrument]
    touches = touches_of(base)
    spreads = spreads_of(base)
    for at in range(row.touch_at, row.touch_at + row.touch_n):
        spread = spreads[touches[at].spread]
        for index in range(spread.strategy_at, spread.strategy_at + spread.strategy_n):
            if ask_strategy(base, index, now_ns):
                break  # one deal a spread: a second strategy would see the same free money
    return scratch.decisions
