"""Recorded sessions of a real DIFF client, fed through the client's channels: nothing in them is bad input."""

import ast
import asyncio
import json
import lzma
import os
import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest

from adapters.diff.client import DiffVenue
from adapters.diff.tree import parse
from engine.instruments import Instrument
from engine.ports import MARKET_DATA, READY, Event
from tests.diff_helpers import VENUE, Recorder
from tests.diff_helpers import settings as diff_settings

DATA = Path(os.environ.get("TANDEM_DATA") or Path(__file__).parents[2] / "shared" / "data") / "diff_logs"
LOGS = sorted(DATA.glob("*.script.lzma"))
TICKS = {
    "SHFE.au2012": "0.02", "SHFE.cu1909": "10", "SHFE.cu2004": "10", "SHFE.cu2005": "10", "SHFE.cu2010": "10",
    "DCE.jd2005": "1",
}  # fmt: skip
USER = "TQSIM"
SESSION = b'{"aid":"rtn_data","data":[{"trade":{"TQSIM":{"session":{"user_id":"TQSIM"}}}}]}'


def lines(log: Path) -> list[str]:
    with lzma.open(log, "rt", encoding="utf-8") as text:
        return text.readlines()


def wire_frames(log: Path) -> Iterator[bytes]:
    """The server's own text, as received."""
    for line in lines(log):
        _, found, text = line.partition("websocket message received from ")
        if found:
            yield text.partition(": ")[2].strip().encode()


def merged_frames(log: Path) -> Iterator[bytes]:
    """What the client's simulated account answered; logged as Python, NaN included, and put back into JSON here."""
    for line in lines(log):
        _, found, text = line.partition("TqSim message send: ")
        if found and "'trade': {" in text:
            value = ast.literal_eval(re.sub(r"(?<=: )nan\b", "1e999", text.strip()))
            yield json.dumps(value).replace("Infinity", "NaN").encode()


def instruments() -> list[Instrument]:
    return [
        Instrument(
            index=index, id=symbol.lower(), venue=VENUE, symbol=symbol, account=0, currency="CNY", tick=Fraction(tick)
        )
        for index, (symbol, tick) in enumerate(TICKS.items())
    ]  # fmt: skip


@pytest.fixture(params=LOGS or [None], ids=lambda log: log.name.partition(".")[0] if log else "none")
def log(request: pytest.FixtureRequest) -> Path:
    if request.param is None:
        pytest.skip(f"no recordings at {DATA}: set TANDEM_DATA")
    return request.param


def play(frames: list[bytes], channel: str) -> Recorder:
    async def run() -> Recorder:
        heard = Recorder()
        venue = DiffVenue(VENUE, diff_settings(1, user=USER), instruments(), heard, lambda: 0)
        stream = getattr(venue, channel)
        stream.opened(0)
        for at, frame in enumerate(frames, 1):
            stream.received(frame, at)
        return heard

    return asyncio.run(run())


def test_recorded_market_data_is_understood(log: Path) -> None:
    frames = list(wire_frames(log))
    heard = play(frames, "_market")
    assert len(frames) > 2 and heard.bad == []
    quoted = {symbol for frame in frames for p in parse(frame).get("data", []) for symbol in p.get("quotes", {})}
    assert len({quote.instrument for quote in heard.quotes}) == len(quoted)
    bands = {instrument: (lower, upper) for instrument, lower, upper in heard.bands}
    for quote in heard.quotes:
        lower, upper = bands[quote.instrument]
        assert lower <= quote.bid_ticks and quote.ask_ticks <= upper
        assert 0 < quote.bid_ticks < quote.ask_ticks and quote.bid_lots > 0 and quote.ask_lots > 0
        assert 1_500_000_000 < quote.venue_ns // 10**9 < 1_600_000_000
    assert heard.count(MARKET_DATA, READY) == 0, "these sessions subscribed other lists than ours"


def test_recorded_trading_is_understood(log: Path) -> None:
    heard = play([SESSION, *merged_frames(log)], "_trading")
    assert heard.bad == []
    assert heard.accounts[0].balance_micros == 10**13
    told = {}
    for report in heard.reports:
        told.setdefault(report.client_id, []).append(Event.NAMES[report.event])
    traded = sum(report.last_lots for report in heard.reports)
    ends = {events[-1] for events in told.values()}
    if "insert_order_fak" in log.name:
        assert sorted(told.values()) == [["CANCELLED"], ["TRADE", "DONE"]] and traded == 2
    elif "insert_order" in log.name:
        assert sorted(told.values()) == [["TRADE", "DONE"]] * 2 and traded == 3
    elif "cancel_order" in log.name:
        assert ends == {"CANCELLED"} and traded == 0
    else:
        assert told == {}
