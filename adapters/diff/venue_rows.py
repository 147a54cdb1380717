"""The rows that a DIFF server sends: our integers written as the tree's fields."""

from typing import Any

from adapters.ports import NewOrder, VenueAccount, VenuePosition, VenueReport
from engine.instruments import Instrument
from engine.ports import BUY, DAY, FOK, IOC, OFFSETS, QUOTE_LIMIT_DOWN, QUOTE_LIMIT_UP, SELL, Event

SIDES = {"BUY": BUY, "SELL": SELL}
SIDE_TEXTS = {BUY: "BUY", SELL: "SELL"}
TERMS = {("IOC", "ANY"): IOC, ("IOC", "ALL"): FOK, ("GFD", "ANY"): DAY}
TERM_TEXTS = {tif: texts for texts, tif in TERMS.items()}
ENDS = (Event.CANCELLED, Event.REJECTED, Event.DONE)


def price(instrument: Instrument, ticks: int) -> float:
    return float(instrument.price_text(ticks))


def quote_row(
    instrument: Instrument, bid_ticks: int, bid_lots: int, ask_ticks: int, ask_lots: int, when: str, flags: int
) -> dict[str, Any]:
    """A best quote; null, which removes the field, where a side is empty. A locked side names its price limit."""
    row: dict[str, Any] = {"datetime": when}
    for side, ticks, lots in (("bid", bid_ticks, bid_lots), ("ask", ask_ticks, ask_lots)):
        row[f"{side}_price1"] = price(instrument, ticks) if lots else None
        row[f"{side}_volume1"] = lots or None
    if flags & QUOTE_LIMIT_UP:
        row["upper_limit"] = row["bid_price1"]
    if flags & QUOTE_LIMIT_DOWN:
        row["lower_limit"] = row["ask_price1"]
    return row


def limits_row(instrument: Instrument, lower_ticks: int | None, upper_ticks: int | None) -> dict[str, Any]:
    """The price limits of the day that the venue states."""
    stated = {"lower_limit": lower_ticks, "upper_limit": upper_ticks}
    return {name: price(instrument, ticks) for name, ticks in stated.items() if ticks is not None}


def head_row(symbol: str, instrument: Instrument) -> dict[str, Any]:
    """What a contract's quote says before the first price."""
    exchange, _, name = symbol.partition(".")
    return {
        "instrument_id": symbol,
        "exchange_id": exchange,
        "instrument_name": name,
        "price_tick": float(instrument.tick),
        "price_decs": instrument.decimals,
        "last_price": None,
        "datetime": "",
    }


def progress(report: VenueReport) -> tuple[int, bool]:
    """How far the order has come by this report: what has traded, and whether it has ended. It only grows."""
    return report.cum_lots, report.event in ENDS or report.leaves_lots == 0


def order_row(report: VenueReport, instrument: Instrument) -> dict[str, Any]:
    """The order as it stands after this report. Filled, cancelled and rejected all read FINISHED."""
    order = report.order
    _, done = progress(report)
    time_condition, volume_condition = TERM_TEXTS[order.tif]
    row = {
        **_contract(order),
        "price_type": "ANY" if order.limit_ticks is None else "LIMIT",
        "time_condition": time_condition,
        "volume_condition": volume_condition,
        "volume_orign": order.lots,
        "volume_left": order.lots - report.cum_lots,
        "exchange_order_id": "" if report.event == Event.REJECTED else report.venue_id,
        "status": "FINISHED" if done else "ALIVE",
        "last_msg": report.reason,
        "insert_date_time": report.venue_ns,
    }
    if order.limit_ticks is not None:
        row["limit_price"] = price(instrument, order.limit_ticks)
    return row


def trade_key(report: VenueReport) -> str:
    """Unique where both sides of a self-trade share the exchange's trade id."""
    return f"{report.order.client_id}|{report.trade_id}"


def trade_row(report: VenueReport, instrument: Instrument) -> dict[str, Any]:
    return {
        **_contract(report.order),
        "trade_id": trade_key(report),
        "exchange_trade_id": report.trade_id,
        "exchange_order_id": report.venue_id,
        "volume": report.last_lots,
        "price": price(instrument, report.last_ticks),
        "trade_date_time": report.venue_ns,
    }


def position_row(position: VenuePosition) -> dict[str, Any]:
    exchange, _, name = position.symbol.partition(".")
    row = {
        "exchange_id": exchange,
        "instrument_id": name,
        "volume_long_today": position.long_today,
        "volume_long_his": position.long_yesterday,
        "volume_short_today": position.short_today,
        "volume_short_his": position.short_yesterday,
        "volume_long": position.long_today + position.long_yesterday,
        "volume_short": position.short_today + position.short_yesterday,
    }
    # tqsdk computes a position from the pos_ fields, the order panel from the volume_ fields.
    return row | {name.replace("volume", "pos"): lots for name, lots in row.items() if name.endswith(("today", "his"))}


def account_row(account: VenueAccount, user: str) -> dict[str, Any]:
    """static = pre_balance (no deposits here); balance = static + profits - commission; risk = margin / balance."""
    balance, margin = account.balance_micros / 1e6, account.margin_micros / 1e6
    return {
        "user_id": user,
        "currency": account.currency,
        "pre_balance": account.pre_balance_micros / 1e6,
        "static_balance": account.pre_balance_micros / 1e6,
        "balance": balance,
        "available": account.available_micros / 1e6,
        "margin": margin,
        "close_profit": account.close_profit_micros / 1e6,
        "position_profit": account.position_profit_micros / 1e6,
        "commission": account.commission_micros / 1e6,
        "risk_ratio": margin / balance if balance else 0.0,
    }


def _contract(order: NewOrder) -> dict[str, Any]:
    exchange, _, name = order.symbol.partition(".")
    return {
        "user_id": order.owner,
        "order_id": order.client_id,
        "exchange_id": exchange,
        "instrument_id": name,
        "direction": SIDE_TEXTS[order.side],
        "offset": OFFSETS[order.offset],
    }
