"""The compiled calls, composed: what the engine's Python half is handed, live, in recovery and in replay."""

from desk.hot import decide, on_quote, sample
from desk.hot_poll import poll
from desk.walk import walk
from engine.core import Hot
from riskgate.capital_controls import pool_use_micros
from strategies.signals import may_ask, take_wish
from strategies.stand import stand_of

HOT = Hot(on_quote, poll, decide, sample, pool_use_micros, may_ask, take_wish, stand_of, walk)
