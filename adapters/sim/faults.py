"""The fault script: typed faults read from TOML, and which of them an order, a quote or a moment sets off."""

import difflib
import tomllib
from pathlib import Path

import msgspec

from adapters.ports import NewOrder
from engine.ports import BUY, SELL

# What becomes of an order at the venue.
ORDER_FAULTS = ("reject", "partial", "nofill")
# What becomes of the reports on an order.
REPORT_FAULTS = (
    "drop_ack", "drop_reports", "delay_ms", "duplicate", "trade_before_ack", "terminal_before_trade", "late_fill_ms",
)  # fmt: skip
# What happens on the wire; the protocol's server does it.
WIRE_FAULTS = ("garbage", "bad_checksum", "wrong_type", "disconnect", "silence", "gap")
DOS = (*ORDER_FAULTS, *REPORT_FAULTS, "foreign_order", *WIRE_FAULTS)

SIDES = {"BUY": BUY, "SELL": SELL}
_TRIGGERS = ("at_order", "nth", "at_quote", "at_s")
# Which parameters a fault takes, and which of them it needs.
_PARAMETERS = {"reject": "reason", "partial": "lots", "foreign_order": "lots", "delay_ms": "ms", "late_fill_ms": "ms"}
_NEEDED = ("partial", "delay_ms", "late_fill_ms")


class Fault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One fault. When: at_order (Nth new order of the venue), nth (Nth of `symbol`), at_quote, at_s after the start.

    Counts begin at 1. An order's fault with at_quote or at_s waits for the next order that fits. every: again each so
    many orders or quotes; alone, it counts the orders that fit. symbol, side ("BUY", "SELL"): only such orders (or
    quotes of the symbol). lots, ms and reason: parameters of `do`. ValueError where these do not go together.
    """

    do: str
    at_order: int | None = None
    nth: int | None = None
    at_quote: int | None = None
    at_s: float | None = None
    every: int | None = None
    symbol: str = ""
    side: str = ""
    lots: int | None = None
    ms: float | None = None
    reason: str = ""

    def __post_init__(self) -> None:
        _expect_one_of("do", self.do, DOS)
        if self.side:
            _expect_one_of("side", self.side, SIDES)
        self._check_trigger()
        self._check_parameters()

    def _check_trigger(self) -> None:
        given = [name for name in _TRIGGERS if getattr(self, name) is not None]
        if len(given) > 1 or not (given or self.every):
            raise ValueError(
                f"expected one of {', '.join(_TRIGGERS)}, or every alone; got {', '.join(given) or 'none'}"
            )
        for name in (*given, *(["every"] if self.every is not None else [])):
            if getattr(self, name) < (0 if name == "at_s" else 1):
                raise ValueError(f"{name} = {getattr(self, name)}: too small")
        if self.at_s is not None and self.every:
            raise ValueError("every counts orders or quotes; it does not go with at_s")
        if self.nth and not self.symbol:
            raise ValueError("nth counts the orders of a symbol; symbol is missing")
        if self.do == "foreign_order" and not self.counts_orders and not self.symbol:
            raise ValueError("a foreign_order that no order sets off needs a symbol")

    def _check_parameters(self) -> None:
        takes = _PARAMETERS.get(self.do)
        for name in ("lots", "ms", "reason"):
            given = getattr(self, name) not in (None, "")
            if given and name != takes:
                raise ValueError(f"{name} has no meaning for do = {self.do!r}")
            if not given and name == takes and self.do in _NEEDED:
                raise ValueError(f"do = {self.do!r} needs {name}")
        if (self.lots is not None and self.lots < 0) or (self.ms is not None and self.ms <= 0):
            raise ValueError("lots must not be below 0, ms must be above 0")

    @property
    def counts_orders(self) -> bool:
        return self.at_quote is None and self.at_s is None

    @property
    def is_for_orders(self) -> bool:
        """Whether it changes an order, or the reports on one."""
        return self.do in ORDER_FAULTS or self.do in REPORT_FAULTS

    def fits(self, order: NewOrder) -> bool:
        return self.symbol in ("", order.symbol) and self.side in ("", "BUY" if order.side == BUY else "SELL")

    def hits(self, count: int) -> bool:
        """Whether the count (from 1) of what this fault counts sets it off."""
        first = self.at_order or self.nth or self.at_quote or self.every
        return count == first or bool(self.every and count > first and (count - first) % self.every == 0)


class FaultScript:
    """The faults of one run, with their counts."""

    def __init__(self, faults: list[Fault]) -> None:
        self._faults = faults
        self._order_count = 0
        self._counts = [0] * len(faults)
        self._armed: list[Fault] = []

    def timed(self) -> list[tuple[float, Fault]]:
        """The faults that a moment sets off, with their seconds after the start."""
        return [(fault.at_s, fault) for fault in self._faults if fault.at_s is not None]

    def arm(self, fault: Fault) -> None:
        """The next order that fits gets this fault."""
        self._armed.append(fault)

    def on_order(self, order: NewOrder) -> list[Fault]:
        """A new order reached the venue: the faults that it sets off."""
        self._order_count += 1
        fired = []
        for fault in [fault for fault in self._armed if fault.fits(order)]:
            self._armed.remove(fault)
            fired.append(fault)
        for index, fault in enumerate(self._faults):
            if not fault.counts_orders or not fault.fits(order):
                continue
            self._counts[index] += 1
            if fault.hits(self._order_count if fault.at_order else self._counts[index]):
                fired.append(fault)
        return fired

    def on_quote(self, symbol: str) -> list[Fault]:
        """A quote was played: the faults that it sets off."""
        fired = []
        for index, fault in enumerate(self._faults):
            if fault.at_quote is not None and fault.symbol in ("", symbol):
                self._counts[index] += 1
                if fault.hits(self._counts[index]):
                    fired.append(fault)
        return fired


def read_faults(path: Path) -> list[Fault]:
    """The faults of a TOML file of [[fault]] tables. ValueError names the file, the fault and the key."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: {error}") from error
    for key in document:
        if key != "fault":
            raise ValueError(f"{path}: unknown key {key!r}; expected [[fault]] tables only")
    tables = document.get("fault", [])
    if not isinstance(tables, list):
        raise ValueError(f"{path}: expected [[fault]], an array of tables")
    return parse_faults(tables, str(path))


def parse_faults(tables: list[dict], where: str) -> list[Fault]:
    """Typed faults; `where` stands at the head of an error."""
    return [_parse(table, f"{where}: fault {number}") for number, table in enumerate(tables, start=1)]


def _parse(table: dict, where: str) -> Fault:
    for key in table:
        if key not in Fault.__struct_fields__:
            raise ValueError(f"{where}: unknown key {key!r}{_nearest(key, Fault.__struct_fields__)}")
    try:
        return msgspec.convert(table, Fault)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from error


def _expect_one_of(key: str, value: str, valid: tuple[str, ...] | dict[str, int]) -> None:
    if value not in valid:
        raise ValueError(f"{key} = {value!r}{_nearest(value, valid)}; expected one of {', '.join(valid)}")


def _nearest(word: str, valid: tuple[str, ...] | dict[str, int]) -> str:
    close = difflib.get_close_matches(word, valid, n=1, cutoff=0.0)
    return f"; nearest is {close[0]!r}" if close else ""
