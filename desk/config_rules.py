"""Typed config of what limits: how a limit is stated, and the dated rules of the exchanges."""

from typing import Literal

import msgspec

# A limit: a number, or "none" where it is said that there is none. None: nobody has said anything, which is denied.
Limit = float | Literal["none"] | None
Count = int | Literal["none"] | None


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of the config; an unknown key in it is an error."""


class TierSpec(Section, kw_only=True):
    """A step of a message fee (申报费): what a message costs from so many of a day and so many a trade on."""

    from_messages: int
    from_order_to_trade: float = 0.0
    fee: float  # a message, in the contract's currency


class RuleSpec(Section, kw_only=True):
    """What an exchange counts and allows in a trading day, from a date on, an account group and contract.

    The closest one that is valid holds, field by field: of the contract, of the product, of the whole book.
    opening_lots and position_lots of a rule with a product and no contract hold for the product's contracts together.
    """

    book: str  # as the instruments name it
    product: str = ""
    contract: str = ""  # its symbol
    valid_from: str
    source: str
    price_limits: bool | None = None  # 涨跌停: trading is denied until the day's are known
    orders: Count = None
    cancels: Count = None
    trades: Count = None
    reserve: int | None = None  # of orders, cancels, trades and messages, kept for repairs
    frequent_cancels: Count = None
    frequent_reserve: int | None = None
    ioc_counts: bool | None = None  # an unfilled rest of FAK and FOK orders is a cancel
    large_lots: Count = None
    large_cancels: Count = None
    large_reserve: int | None = None
    self_trades: Count = None
    opening_lots: Count = None  # 日内开仓限额
    position_lots: Count = None  # 持仓限额, one side
    max_order_to_trade: Limit = None
    order_to_trade_from: int | None = None  # messages of a day from which on it is asked for
    message_fees: list[TierSpec] | None = None  # an empty list says that there is none
    max_message_fee: Limit = None  # of the next message
