"""What the judge goes by of the exchanges' quotas: the rules of a CONFIG record on its date, read by itself.

A meter is a contract of an account group. They lie in the journal behind the accounts' own, in the order in which the
instruments first name them; only their order is taken from the engine.
"""

from datetime import date

import numpy as np

NO_QUOTA = 2**62
NEVER_NS = 2**62
SLICES = 3  # orders that one leg of a decision may become
_NUMBERS = ("frequent_cancels", "frequent_reserve", "large_cancels", "large_reserve", "large_lots", "ioc_counts")
_EPOCH = date(1970, 1, 1).toordinal()

# most, reserve: of frequent cancels and of large ones. calendar: whose sections its trading day goes by.
QUOTA_RULE = np.dtype([
    ("most", "<i8", (2,)), ("reserve", "<i8", (2,)), ("large_lots", "<i8"), ("ioc_counts", "<i8"), ("calendar", "<i8"),
])  # fmt: skip


def quota_rules(record: dict) -> dict[str, np.ndarray]:
    """Fields of `judge_tables.Rules`: quota, meter (of an instrument, -1: none), first_meter, closes and days of each
    calendar's sections, and each strategy's tries."""
    config, today = record["config"], record["market_date"]
    groups = {one["id"]: one["group"] or one["id"] for one in config["accounts"]}
    calendars = sorted(record["sessions"])
    keys: dict[tuple, int] = {}
    rows, meter = [], []
    for one in config["instruments"]:
        key = groups.get(one["account"], ""), one["rules"], one["symbol"]
        if one["account"] and key not in keys:
            keys[key] = len(rows)
            rows.append((*_row(config["rules"], one, today), calendars.index(one["calendar"])))
        meter.append(keys[key] if one["account"] else -1)
    sections = [record["sessions"][name] for name in calendars]
    longest = max(map(len, sections)) + 1
    closes, days = (np.full((len(sections), longest), fill, np.int64) for fill in (NEVER_NS, -1))
    for at, windows in enumerate(sections):
        for number, (_, close_ns, day) in enumerate(windows):
            closes[at, number], days[at, number] = close_ns, _day(day)
    tries = [one["repair"]["max_tries"] for one in config["strategies"]]
    return {
        "quota": np.array(rows, QUOTA_RULE), "meter": np.array(meter, np.int64), "closes": closes, "days": days,
        "first_meter": np.array([len(config["accounts"])], np.int64), "tries": np.array(tries, np.int64),
    }  # fmt: skip


def _row(rules: list[dict], instrument: dict, today: str) -> tuple:
    """The closest rule that holds, field by field: of the contract before the product before the book, then the
    latest."""
    found: dict[str, object] = {}
    for name in _NUMBERS:
        valid = (one for one in rules if one["valid_from"] <= today and _is_of(one, instrument))
        mine = [one for one in valid if one[name] is not None]
        best = max(mine, key=lambda one: (bool(one["contract"]), bool(one["product"]), one["valid_from"]), default=None)
        found[name] = None if best is None else best[name]
    count = lambda name: found[name] if isinstance(found[name], int) else NO_QUOTA
    reserves = found["frequent_reserve"] or 0, found["large_reserve"] or 0
    # What nobody has stated is not judged; whether an unfilled rest counts, by the stricter word.
    ioc_counts = int(found["ioc_counts"] is not False)
    return (count("frequent_cancels"), count("large_cancels")), reserves, count("large_lots"), ioc_counts


def _is_of(rule: dict, instrument: dict) -> bool:
    of_product, of_contract = rule["product"], rule["contract"]
    if rule["book"] != instrument["rules"] or of_product not in ("", instrument["product"]):
        return False
    return of_contract in ("", instrument["symbol"])


def _day(trading_day: int) -> int:
    """YYYYMMDD as a day counted from 1970; -1 where a market has none and goes by the date."""
    if not trading_day:
        return -1
    return date(trading_day // 10_000, trading_day // 100 % 100, trading_day % 100).toordinal() - _EPOCH
