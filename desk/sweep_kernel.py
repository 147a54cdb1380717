"""The sweep's compiled half: quotes booked and priced once, by the live code, then every parameter set asked.

A set is a row of the strategy table, so that `strategies.signals.ask_strategy` asks it as it would live. What live does
with venues is simulated here: `desk/sweep_fills.py`. The sets share book, prices and statistics, and nothing else.
"""

from desk.hot import book_quote, sample
from desk.sweep_fills import (
    EVENT,
    NEVER,
    PLAN,
    SET,
    after_decision,
    equity_micros,
    pass_time,
    price_again,
    price_without,
    see_equity,
)
from engine.jit import njit
from engine.kernels import price_touched
from engine.memory import view
from engine.money import last_reporting_micros
from engine.records import QUOTE, TIMER
from engine.schema import UNSET
from engine.tables import head_of, instruments_of, scratch_of, spreads_of, strategies_of, venues_of
from strategies.signals import ask_strategy

HEARD = 3  # beside QUOTE and TIMER (of a sample): a sign of life of a venue's market data


@njit
def sweep(base, plan_address):
    """Run the plan's sets over events [begin, end)."""
    plan = view(plan_address, 1, PLAN)[0]
    events, sets = view(plan.events, plan.end, EVENT), view(plan.sets, plan.count, SET)
    for at in range(plan.begin, plan.end):
        event = events[at]
        if plan.due_ns <= event.now_ns:  # what arrives at the very time of an event comes before it
            _pass_time(base, plan, sets, event.now_ns)
        if event.kind == QUOTE:
            _quote(base, plan, sets, event)
        elif event.kind == TIMER:
            head_of(base).now_ns = event.now_ns
            sample(base, event.now_ns)
            for number in range(plan.count):
                if sets[number].fills > 0:
                    see_equity(base, sets[number], equity_micros(base, plan, sets[number]))
        else:
            heard = venues_of(base)[event.instrument].heard_ns
            heard[0] = max(heard[0], event.now_ns)


@njit
def _quote(base, plan, sets, event):
    """Book and price one quote, then ask every set where it touches the swept spread."""
    quote = scratch_of(base).quote
    quote.instrument, quote.flags = event.instrument, event.flags
    quote.bid_ticks, quote.bid_lots = event.bid_ticks, event.bid_lots
    quote.ask_ticks, quote.ask_lots = event.ask_ticks, event.ask_lots
    quote.venue_ns, quote.venue_seq = event.venue_ns, event.venue_seq
    if not book_quote(base, quote, event.now_ns):
        return
    price_touched(base, event.instrument, event.now_ns)
    if not _touches(base, plan, event.instrument):
        return
    plan.asked += plan.count
    spread = spreads_of(base)[plan.spread]
    strategies = strategies_of(base)
    for number in range(plan.count):
        scratch_of(base).decisions = 0
        spread.open_deals = strategies[number].open_deals
        if sets[number].taken != 0 and price_without(base, plan, sets[number], event.now_ns):
            decides = ask_strategy(base, number, event.now_ns)
            price_again(base, plan, event.now_ns)
        else:
            decides = ask_strategy(base, number, event.now_ns)
        if decides:
            after_decision(base, plan, number, event.now_ns)


@njit
def _pass_time(base, plan, sets, now_ns):
    """Let happen what is due to the sets' deals, and find when the next thing is."""
    plan.due_ns = NEVER
    for number in range(plan.count):
        if sets[number].due_ns <= now_ns:
            pass_time(base, plan, number, now_ns)
        plan.due_ns = min(plan.due_ns, sets[number].due_ns)


@njit
def _touches(base, plan, instrument):
    """Whether an instrument is a leg of the swept spread, or the rate of one."""
    spread = spreads_of(base)[plan.spread]
    found = False
    for leg in range(spread.legs):
        found = found or spread.instrument[leg] == instrument or spread.fx[leg] == instrument
    return found


@njit
def last_look(base, plan_address):
    """What every set has earned at the end, where that is known; deals that are open stay open."""
    plan = view(plan_address, 1, PLAN)[0]
    sets, spread = view(plan.sets, plan.count, SET), spreads_of(base)[plan.spread]
    for number in range(plan.count):
        row = sets[number]
        equity = equity_micros(base, plan, row)
        see_equity(base, row, equity)
        row.known = 1 if equity != UNSET else 0
        for leg in range(spread.legs):
            currency = instruments_of(base)[spread.instrument[leg]].currency
            fee = last_reporting_micros(base, currency, row.fee_micros[leg])
            row.fees_reported_micros += 0 if fee == UNSET else fee
