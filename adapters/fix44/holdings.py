"""The client's snapshot after a logon: positions (AN, AP) and account figures (BB, BA).

Source: FIX 4.4 volume 5. TQ is what was traded today, SOD what the day began with.
"""

from decimal import Decimal, InvalidOperation

from adapters.fix44 import tags
from adapters.fix44.codec import FieldError, get, groups, need, number, text
from adapters.fix44.listing import Listed, Listing
from engine.instruments import reported_lots, reported_micros
from engine.ports import AccountReport, PositionReport

MICROS = 1_000_000
TODAY, YESTERDAY = b"TQ", b"SOD"


class Holdings:
    """Reads the answers and knows when all of them are there. account: row of the account, -1 for none."""

    def __init__(self, listing: Listing, account: int) -> None:
        self._listing = listing
        self._account = account
        self.expect(b"", b"")

    def expect(self, position_request: bytes, account_request: bytes) -> None:
        """A new snapshot was asked for; an answer to an earlier request counts no more."""
        self._position_request = position_request
        self._account_request = account_request
        self._seen = 0
        self._positions_done = False
        self._account_done = self._account < 0

    @property
    def complete(self) -> bool:
        return self._positions_done and self._account_done

    def position(self, raw: bytes, recv_ns: int) -> PositionReport | None:
        """None for the answer that there is no position.

        FieldError where it is malformed: it does not count as an answer, so the snapshot stays incomplete. ValueError,
        once it is counted, for a contract that is not listed here.
        """
        total = number(raw, tags.POSITION_REPORTS)
        listed = self._listing.by_symbol.get(need(raw, tags.SYMBOL)) if total else None
        report = self._read(listed, raw, recv_ns) if listed else None
        if get(raw, tags.POSITION_REQUEST_ID) == self._position_request:
            self._seen += 1
            self._positions_done = self._seen >= total
        if total and report is None:
            raise ValueError(
                f"a position in {text(get(raw, tags.SYMBOL))!r}, which is no instrument of this venue here"
            )
        return report

    def acknowledged(self, raw: bytes) -> bool:
        """An acknowledgement of the request that announces no report at all; whether it completes the positions."""
        ours = get(raw, tags.POSITION_REQUEST_ID) == self._position_request
        if ours and get(raw, tags.POSITION_REPORTS) == b"0":
            self._positions_done = True
        return self._positions_done

    def _read(self, listed: Listed, raw: bytes, recv_ns: int) -> PositionReport:
        report = PositionReport(instrument=listed.instrument.index, recv_ns=recv_ns)
        for entry in groups(raw, tags.POSITION_COUNT, tags.POSITION_TYPE):
            kind = get(entry, tags.POSITION_TYPE)
            long_lots = _lots(listed, entry, tags.LONG_QUANTITY)
            short_lots = _lots(listed, entry, tags.SHORT_QUANTITY)
            if kind == TODAY:
                report.long_today, report.short_today = long_lots, short_lots
            elif kind == YESTERDAY:
                report.long_yesterday, report.short_yesterday = long_lots, short_lots
        return report

    def account(self, raw: bytes, recv_ns: int) -> AccountReport:
        """Balance is TotalNetValue, available MarginExcess. FieldError where one is missing or no number."""
        balance, available = _micros(raw, tags.NET_VALUE), _micros(raw, tags.MARGIN_EXCESS)
        if get(raw, tags.COLLATERAL_ID) == self._account_request:
            self._account_done = True
        return AccountReport(
            account=self._account,
            balance_micros=balance,
            available_micros=available,
            margin_micros=balance - available,
            recv_ns=recv_ns,
        )


def _lots(listed: Listed, entry: bytes, key: bytes) -> int:
    tag = int(key[1:-1])
    try:
        return reported_lots(listed.sizes.exact(get(entry, key) or b"0"), listed.instrument.id)
    except ValueError as error:
        raise FieldError(tag, tags.VALUE_INCORRECT, f"tag {tag}: {error}") from None


def _micros(raw: bytes, key: bytes) -> int:
    """Millionths, rounded."""
    tag, value = int(key[1:-1]), text(need(raw, key))
    try:
        return reported_micros(Decimal(value), f"tag {tag}")
    except InvalidOperation:
        why = f"tag {tag}: {value!r} is not an amount of money"
    except ValueError as error:
        why = str(error)
    raise FieldError(tag, tags.FORMAT_INCORRECT, why)


def money_text(micros: int) -> bytes:
    """Millionths as an exact decimal text."""
    sign, micros = (b"-", -micros) if micros < 0 else (b"", micros)
    return b"%b%d.%06d" % (sign, micros // MICROS, micros % MICROS)
