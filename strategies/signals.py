"""From priced spreads to decisions: asks every strategy of a spread, and writes down what it wants."""

from engine.jit import njit
from engine.ports import BUY, IOC, SELL
from engine.records import ENTRY, EXIT
from engine.schema import HALTED, MAX_DECISIONS, NO_LIMIT, REDUCE_ONLY, UNSET
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
from strategies.band import most_units

SPREAD_CROSS, RATIO_CROSS, PYTHON = range(3)  # PYTHON: asked by `engine.signals`, after the compiled ones
KINDS = {"spread_cross": SPREAD_CROSS, "ratio_cross": RATIO_CROSS, "python": PYTHON}
BANDS = {"price": 0, "z": 1}


@njit
def wanted_units(strategy, spread, side, purpose, most):
    """Units of a decision: at most `most`, a clip, what the market shows, and what its limits or position leave."""
    units = min(most, strategy.clip_units, spread.buy_units if side > 0 else spread.sell_units)
    held = abs(strategy.position_units)
    return min(units, most_units(strategy) - held if purpose == ENTRY else held)


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
    if strategy.flatten_ns >= 0 and to_close_ns(base, spread, now_ns) <= strategy.flatten_ns:
        # Flat until the close: what is held is exited, and nothing is entered that would be.
        held = strategy.position_units != 0 and spread.open_deals == 0
        return _write_exit(base, index, now_ns) if held else False
    if strategy.kind == SPREAD_CROSS:
        side, purpose, signal, executable, center, threshold, cost = spread_cross.decide(strategy, spread, now_ns)
    elif strategy.kind == PYTHON:
        return False
    else:
        side, purpose, signal, executable, center, threshold, cost = ratio_cross.decide(strategy, spread, now_ns)
    if side == 0 or (purpose == ENTRY and strategy.switch == REDUCE_ONLY) or spread.open_deals > 0:
        return False
    most = strategy.clip_units
    return _write(base, index, side, purpose, most, signal, executable, center, threshold, cost, now_ns)


@njit
def to_close_ns(base, spread, now_ns):
    """Market time until the first session of a leg ends, NO_LIMIT where no leg's close is known."""
    market = market_ns(head_of(base), now_ns)
    instruments = instruments_of(base)
    left = NO_LIMIT
    for leg in range(spread.legs):
        close_ns = instruments[spread.instrument[leg]].close_ns
        if close_ns != UNSET:
            left = min(left, close_ns - market)
    return left


@njit
def _write_exit(base, index, now_ns):
    """The exit of a whole position before a close, whatever the signal says; as much a try as a clip allows."""
    strategy = strategies_of(base)[index]
    spread = spreads_of(base)[strategy.spread]
    if strategy.open_deals > 0 or now_ns - strategy.last_decision_ns < strategy.cooldown_ns:
        return False
    side = SELL if strategy.position_units > 0 else BUY
    executable = spread.sell if side < 0 else spread.buy
    cost, most = spread.fee + spread.cost, strategy.clip_units
    return _write(base, index, side, EXIT, most, spread.diff, executable, spread.diff, 0.0, cost, now_ns)


@njit
def _write(base, index, side, purpose, most, signal, executable, center, threshold, cost, now_ns):
    """Leave a decision of at most `most` units in the scratch row; False where no unit of it could be traded."""
    head = head_of(base)
    strategy = strategies_of(base)[index]
    spread = spreads_of(base)[strategy.spread]
    scratch = scratch_of(base)
    units = wanted_units(strategy, spread, side, purpose, most)
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
def may_ask(base, index, now_ns):
    """Whether a Python strategy may be asked now: the rules under which a compiled one may decide."""
    strategy = strategies_of(base)[index]
    spread = spreads_of(base)[strategy.spread]
    scratch = scratch_of(base)
    if spread.blocked or strategy.switch == HALTED or scratch.decisions >= MAX_DECISIONS:
        return False
    if spread.samples < strategy.min_samples or spread.open_deals > 0 or strategy.open_deals > 0:
        return False
    if now_ns - strategy.last_decision_ns < strategy.cooldown_ns:
        return False
    for number in range(scratch.decisions):
        waiting = scratch.decision[number]
        if waiting.spread == strategy.spread and strategies_of(base)[waiting.strategy].shadow == 0:
            return False
    return strategy.flatten_ns < 0 or to_close_ns(base, spread, now_ns) > strategy.flatten_ns


@njit
def take_wish(base, index, side, purpose, most, signal, center, threshold, now_ns):
    """Write down what a Python strategy wishes, as far as its limits allow; how many decisions wait."""
    strategy = strategies_of(base)[index]
    spread = spreads_of(base)[strategy.spread]
    if purpose == EXIT or strategy.switch != REDUCE_ONLY:
        executable = spread.buy if side > 0 else spread.sell
        cost = spread.cost + spread.fee
        _write(base, index, side, purpose, most, signal, executable, center, threshold, cost, now_ns)
    return scratch_of(base).decisions


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
            if ask_strategy(base, index, now_ns) and strategies_of(base)[index].shadow == 0:
                break  # one deal a spread: a second strategy would see the same free money; a shadow takes none
    return scratch.decisions
