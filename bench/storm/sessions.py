"""The storm's own trading sessions, in place of the calendars': sections with pauses that come often."""

from bench.storm.arm import Armed
from bench.storm.events import SHUT_NS
from desk.assembly import config_record
from engine.calendar import Calendar

MS = 1_000_000
MARKET_NS = 1_794_964_000 * 1_000_000_000  # 2026-11-18, a Wednesday
OPEN_NS, PHASE_NS = 900_000 * MS, 200_000 * MS  # sections of trading; each calendar's begin so much later
DAYS_SESSIONS = 400


def record_of(armed: Armed, calendars: dict[str, Calendar]) -> dict:
    """The CONFIG record of all days: the storm's own sessions, with pauses that come often."""
    record = config_record(armed.config, calendars, MARKET_NS, "a storm")
    record["sessions"] = {name: _sessions(at) for at, name in enumerate(sorted(record["sessions"]))}
    return record


def _sessions(phase: int) -> list[list[int]]:
    """Sections of so long with pauses between, each calendar's at its own times."""
    begin = MARKET_NS - 3_600_000 * MS
    first = MARKET_NS + OPEN_NS + phase * PHASE_NS
    closes = [first + count * (OPEN_NS + SHUT_NS) for count in range(DAYS_SESSIONS)]
    return [[begin if count == 0 else closes[count - 1] + SHUT_NS, close, 0] for count, close in enumerate(closes)]
