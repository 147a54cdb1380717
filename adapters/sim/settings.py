"""The typed settings of a simulated venue, as its TOML table holds them, and the contract terms made of them."""

from fractions import Fraction
from typing import Literal

import msgspec

from adapters.ports import Contracts
from adapters.sim.exchange import Latency
from adapters.sim.generated import GoldModel
from adapters.sim.terms import MICROS, Terms

_NS_PER_US = 1_000


class UserSim(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A client of the venue: the name it logs in by (a FIX comp id, a DIFF user), and its money in whole currency."""

    name: str
    password: str = ""
    balance_ccy: int


class SymbolSim(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A contract of the venue. series: what it plays of the source (au, gc, usdcnh, xau, spot, usdm, cm ...).

    multiplier: units of the underlying in a lot (of an inverse contract: its face value), a decimal text. margin_bps:
    of the notional. lower_price, upper_price: the day's limits as price texts, empty for none.
    """

    series: str
    multiplier: str = "1"
    margin_bps: int = 1_000
    commission_micros_per_lot: int = 0
    lower_price: str = ""
    upper_price: str = ""
    max_order_lots: int | None = None


class VenueSim(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One simulated venue. Latencies are one way; jitter is added to each. seed: of the jitter and the generated
    market: venues with the same seed and model show the same market.

    port, market_data_port: 0 for any free one; diff serves both on `port`, fix44 its orders alone. comp_id: fix44 only.
    source "generated" needs no data_folder. speed: market time over real time. start_s: where in the source the play
    begins; seconds: how long it lasts, in market time, None to its end. faults: a fault script's path, empty for none.
    """

    id: str
    protocol: Literal["diff", "fix44"]
    host: str = "127.0.0.1"
    port: int = 0
    market_data_port: int = 0
    comp_id: str = ""
    currency: str
    users: tuple[UserSim, ...]
    symbols: dict[str, SymbolSim]
    entry_latency_us: int = 0
    report_latency_us: int = 0
    market_data_latency_us: int = 0
    jitter_us: int = 0
    seed: int = 1
    source: Literal["generated", "gold_2019", "btc_2024"] = "generated"
    data_folder: str = ""
    gold: GoldModel = GoldModel()
    speed: float = 1.0
    start_s: float = 0.0
    seconds: float | None = None
    faults: str = ""

    def __post_init__(self) -> None:
        for name in ("entry_latency_us", "report_latency_us", "market_data_latency_us", "jitter_us", "seed", "start_s"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} = {getattr(self, name)}: expected 0 or more")
        if not self.users or not self.symbols:
            raise ValueError(f"venue {self.id}: expected at least one user and one symbol")
        if self.protocol == "fix44" and not self.comp_id:
            raise ValueError(f"venue {self.id}: fix44 needs comp_id, the venue's own name in its messages")
        if self.source != "generated" and not self.data_folder:
            raise ValueError(f"source = {self.source!r} needs data_folder")

    def latency(self) -> Latency:
        return Latency(
            entry_ns=self.entry_latency_us * _NS_PER_US,
            report_ns=self.report_latency_us * _NS_PER_US,
            market_data_ns=self.market_data_latency_us * _NS_PER_US,
            jitter_ns=self.jitter_us * _NS_PER_US,
            seed=self.seed,
        )

    def balances_micros(self) -> dict[str, int]:
        return {user.name: user.balance_ccy * MICROS for user in self.users}

    def series(self) -> dict[str, str]:
        """The venue's symbol of each series that it plays."""
        return {symbol_sim.series: symbol for symbol, symbol_sim in self.symbols.items()}

    def terms(self, contracts: Contracts) -> dict[str, Terms]:
        """The contracts' terms, by symbol. ValueError for a symbol that `contracts` does not hold, or a bad number."""
        return {symbol: _terms(self.id, symbol, sim, contracts) for symbol, sim in self.symbols.items()}


def _terms(venue: str, symbol: str, sim: SymbolSim, contracts: Contracts) -> Terms:
    instrument = contracts.get(symbol)
    if instrument is None:
        raise ValueError(f"venue {venue}: symbol {symbol!r} is no instrument; known: {', '.join(sorted(contracts))}")
    try:
        multiplier = Fraction(sim.multiplier)
    except (ValueError, ZeroDivisionError) as error:
        raise ValueError(f"venue {venue}: {symbol}: multiplier {sim.multiplier!r} is not a number") from error
    return Terms(
        instrument=instrument,
        multiplier=multiplier,
        margin_bps=sim.margin_bps,
        commission_micros_per_lot=sim.commission_micros_per_lot,
        lower_ticks=instrument.ticks(sim.lower_price) if sim.lower_price else None,
        upper_ticks=instrument.ticks(sim.upper_price) if sim.upper_price else None,
        max_order_lots=sim.max_order_lots,
    )
