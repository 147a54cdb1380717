"""Checks of the exchanges' dated rules: each is sound in itself, and a traded contract has every field stated.

Missing is denied: what a rule says nothing of would stop the contract at run time, so it is told here, with the field,
the instrument and the date. Rules that take effect later are asked the same questions at their own dates.
"""

from typing import Any

from desk.check_limits import legs_of
from desk.config import InstrumentSpec
from desk.config_rules import RuleSpec, TierSpec
from desk.findings import Findings, iso_date, known, rows
from desk.rules import rule_of
from desk.toml_reader import nearest
from engine.schema import MAX_SLICES

TELL_PRICE_LIMITS = ("diff",)  # protocols whose quotes carry the limits of the day
# What is kept, and what it is kept of.
_RESERVES = (
    ("reserve", "orders"), ("reserve", "cancels"), ("reserve", "trades"), ("frequent_reserve", "frequent_cancels"),
    ("large_reserve", "large_cancels"),
)  # fmt: skip
# What means nothing while another field says that there is no limit, or no fee.
_ONLY_WITH = {
    "frequent_reserve": "frequent_cancels", "large_reserve": "large_cancels", "large_lots": "large_cancels",
    "order_to_trade_from": "max_order_to_trade", "max_message_fee": "message_fees",
}  # fmt: skip
_COUNTS = (
    "orders", "cancels", "trades", "reserve", "frequent_cancels", "frequent_reserve", "large_lots", "large_cancels",
    "large_reserve", "self_trades", "opening_lots", "position_lots", "max_order_to_trade", "order_to_trade_from",
    "max_message_fee",
)  # fmt: skip


def check_rules(found: Findings) -> None:
    """Check every rule, then what each instrument that is traded goes by, from the market date on."""
    rules = found.config.rules
    sound = isinstance(rules, list) and found.reading.is_whole(rules)
    seen: set[tuple] = set()
    for spec in rows(rules):
        sound &= _rule(found, spec, seen)
    for spec in rows(found.config.instruments):
        if known(spec, "rules", "product", "account", "symbol", "id"):
            _product(found, spec)
            if spec.account and sound and _has_book(found, spec):
                _terms(found, spec)


def _rule(found: Findings, spec: RuleSpec, seen: set[tuple]) -> bool:
    """One rule by itself; whether it is sound."""
    before = len(found.reading.problems)
    for field in ("book", "source"):
        if getattr(spec, field) == "":
            what = "the book that instruments name" if field == "book" else "where it is known from"
            found.wrong(spec, field, what)
    found.parsed(spec, "valid_from", iso_date)
    key = (spec.book, spec.product, spec.contract, spec.valid_from)
    if key in seen:
        found.wrong(spec, "valid_from", "a date of its own: this book has a rule of the same scope from that day")
    seen.add(key)
    found.not_negative(spec, *_COUNTS)
    for field, of in _RESERVES:
        found.less(spec, field, of)
    _tiers(found, rows(spec.message_fees))
    return len(found.reading.problems) == before


def _tiers(found: Findings, tiers: list[TierSpec]) -> None:
    last = (-1, -1.0)
    for spec in tiers:
        found.not_negative(spec, "from_messages", "from_order_to_trade", "fee")
        if known(spec, "from_messages", "from_order_to_trade"):
            step = (spec.from_messages, spec.from_order_to_trade)
            if step <= last:
                found.wrong(spec, "from_messages", f"more than the step before it, {last[0]:,}")
            last = step


def _product(found: Findings, spec: InstrumentSpec) -> None:
    if spec.product and not spec.rules and not spec.account:
        found.wrong(spec, "product", "nothing: without a book of rules a product means nothing")
    products = {rule.product for rule in rows(found.config.rules)
                if known(rule, "book", "product") and rule.book == spec.rules and rule.product}  # fmt: skip
    if spec.rules and products and not spec.product:
        found.wrong(spec, "product", f"its product: book {spec.rules} has rules for {', '.join(sorted(products))}")


def _has_book(found: Findings, spec: InstrumentSpec) -> bool:
    books = sorted({rule.book for rule in rows(found.config.rules)})
    if spec.rules in books:
        return True
    known_books = f", one of {', '.join(books)}" if books else ""
    found.wrong(
        spec, "rules", f"the book of [[rules]] that its exchange goes by{known_books}, since it is traded",
        nearest(spec.rules, books),
    )  # fmt: skip
    return False


def _terms(found: Findings, spec: InstrumentSpec) -> None:
    """What holds for an instrument at the market date, and at each date after it at which a rule of its book begins."""
    today = found.market_date
    later = {rule.valid_from for rule in rows(found.config.rules) if rule.book == spec.rules} - {""}
    for date in sorted({today} | {day for day in later if day > today}):
        terms = rule_of(found.config, spec, date)
        unsaid = [field for field, value in terms.items() if value is None and not _is_idle(field, terms)]
        if unsaid:
            found.wrong(
                spec, "rules",
                f"a book that states {', '.join(unsaid)} of {spec.id} on {date}: missing is denied",
            )  # fmt: skip
            return
        if not _fits(found, spec, date, terms) or not _has_band(found, spec, date, terms):
            return


def _is_idle(field: str, terms: dict[str, Any]) -> bool:
    return field in _ONLY_WITH and terms[_ONLY_WITH[field]] in ("none", [])


def _fits(found: Findings, spec: InstrumentSpec, date: str, terms: dict[str, Any]) -> bool:
    """Whether rules from several places leave room for what is new, and enough for a repair."""
    for kept, of in _RESERVES:
        if isinstance(terms[kept], int) and isinstance(terms[of], int) and terms[kept] >= terms[of] > 0:
            found.wrong(spec, "rules", f"{kept} less than {of}, {terms[of]:,}, of {spec.id} on {date}")
            return False
    tries = _most_tries(found, spec)
    if terms["frequent_cancels"] != "none" and tries and terms["frequent_reserve"] < tries + 1:
        found.wrong(
            spec, "rules",
            f"frequent_reserve of at least {tries + 1} for {spec.id} on {date}: a repair may try {tries} times there",
        )  # fmt: skip
        return False
    return _lets_one_through(found, spec, date, terms, tries)


def _lets_one_through(
    found: Findings, spec: InstrumentSpec, date: str, terms: dict[str, Any], tries: int
) -> bool:  # fmt: skip
    """Whether a first deal of the day finds room for itself and for all tries of its repair."""
    wanted = MAX_SLICES + tries
    for of, kept in (("orders", "reserve"), ("cancels", "reserve"), ("frequent_cancels", "frequent_reserve")):
        if tries and isinstance(terms[of], int) and terms[of] - terms[kept] < wanted:
            found.wrong(
                spec, "rules",
                f"{of}, less {kept}, of at least {wanted} for {spec.id} on {date}: a deal keeps so many for itself and "
                f"the {tries} tries of its repair, else none is ever let through",
            )  # fmt: skip
            return False
    return True


def _has_band(found: Findings, spec: InstrumentSpec, date: str, terms: dict[str, Any]) -> bool:
    """Whether somebody tells the price limits without which trading is denied: the venue, or else the config."""
    venue = found.venues.get(spec.venue) if known(spec, "venue") else None
    tells = venue is None or not known(venue, "protocol") or venue.protocol in TELL_PRICE_LIMITS
    if not terms["price_limits"] or tells:
        return True
    for field in ("lower_limit", "upper_limit"):
        if getattr(spec, field) == "":
            found.wrong(
                spec, field,
                f"the price limit of the day: book {spec.rules} asks for it on {date}, and protocol {venue.protocol} "
                "tells none",
            )  # fmt: skip
            return False
    return True


def _most_tries(found: Findings, spec: InstrumentSpec) -> int:
    """Tries of the most patient repair that may trade an instrument; 0 where none may."""
    most = 0
    for strategy in rows(found.config.strategies):
        if not known(strategy, "repair") or not known(strategy.repair, "max_tries", "proxies"):
            continue
        proxies = [proxy.instrument for proxy in rows(strategy.repair.proxies)]
        if spec.id in (*legs_of(found, strategy), *proxies):
            most = max(most, strategy.repair.max_tries)
    return most
