"""FixVenue: a FIX 4.4 counterparty as the engine's Adapter, with one session for market data and one for orders."""

import asyncio
from collections.abc import Callable

from adapters.fix44.dialer import Dialer
from adapters.fix44.feed import MarketData
from adapters.fix44.lane import Lane
from adapters.fix44.link import Link
from adapters.fix44.listing import Listing
from adapters.fix44.sample import Sample
from adapters.fix44.session import Session, SessionSettings
from adapters.fix44.settings import FixSettings
from adapters.fix44.store import open_store
from adapters.fix44.trading import Trading
from engine.instruments import Instrument
from engine.ports import Inputs, OrderRequest

# What this protocol can and cannot do, for whoever builds on it.
CAPABILITIES = {
    "numbered quotes": "where the venue sends RptSeq (83); a jump is flagged and one snapshot asked for",
    "quote flags": "closed (276=B), gap (83)",
    "query by client id": "yes (35=H); asked by itself for every live order after a gap or a reconnect",
    "cancel refusal": "yes (35=9)",
    "order types": "limit; IOC, FOK, DAY; open and close (77) where positions are long and short; no close-today",
    "positions and account": "one snapshot a logon (AN/AP, BB/BA) where the venue has them; `snapshot` says so",
    "resend": "orders, cancels and queries never (gap fill, then query); prices never; other messages with PossDup",
    "repeated reports": "yes, passed on under the venue's trade id, which the engine books once",
    "missed fills": "resent by the venue; where it gap-fills them only the cumulative quantity is known, by the query",
    "on disconnect": "as the venue has it: orders stay working unless it cancels them",
    "compiled sends": "yes, while the session is logged on and nothing waits to be written",
    "encryption": "none of its own: a local TLS tunnel",
}


class FixVenue:
    """One FIX 4.4 venue. instruments: those of this venue; ValueError where they hold more than one account.

    clock: ns since the epoch. With `settings.store_dir`, OSError where another process uses the same sessions.
    """

    def __init__(
        self, venue: int, settings: FixSettings, instruments: list[Instrument], inputs: Inputs,
        clock: Callable[[], int],
    ) -> None:  # fmt: skip
        listing = Listing(instruments)
        feed = _session(settings, "md", settings.md_sender_comp_id, settings.md_target_comp_id)
        orders = _session(settings, "orders", settings.order_sender_comp_id, settings.order_target_comp_id)
        self._trading = Trading(
            venue, orders, listing, settings.account, _account(instruments), settings.snapshot, inputs
        )
        self._listing, self._parties = listing, feed.parties
        lane = Lane(listing, feed.store.in_address, feed.parties, settings.max_skew_s)
        market_data = MarketData(venue, lane, settings.incremental, inputs)
        self._feed_dialer = Dialer(feed, settings, settings.md_port, clock, market_data, lane if lane.fits else None)
        self._order_dialer = Dialer(orders, settings, settings.order_port, clock, self._trading)
        self.encode_order = self._trading.encode_order
        self.write = self._trading.write
        self.put = self._trading.put
        self.go_on = self._trading.go_on
        self.noted = self._trading.noted
        self.furnish = self._trading.furnish

    async def start(self) -> None:
        """Connect both sessions and keep them connected. Returns at once."""
        self._feed_dialer.start()
        self._order_dialer.start()

    async def stop(self) -> None:
        """Log out of both sessions and close; the venue object is not started again."""
        self._trading.withdraw()
        await asyncio.gather(self._feed_dialer.stop(), self._order_dialer.stop())

    def sample(self) -> Sample:
        """What a rehearsal reads in place of the venue's quotes."""
        return Sample(self._listing, self._parties)

    def hot(self) -> list[Link]:
        """Both sockets, where they are connected."""
        links = (dialer.link for dialer in (self._feed_dialer, self._order_dialer))
        return [link for link in links if link is not None and not link.closed.done()]

    def encode_cancel(self, order: OrderRequest, cancel_id: str, now_ns: int) -> bytes:
        return self._trading.encode_cancel(order, cancel_id, now_ns)

    def encode_query(self, order: OrderRequest, query_id: str, now_ns: int) -> bytes:
        return self._trading.encode_query(order, query_id, now_ns)


def _account(instruments: list[Instrument]) -> int:
    """The one account of the venue's instruments, -1 where all are only watched."""
    accounts = {instrument.account for instrument in instruments if instrument.account >= 0}
    if len(accounts) > 1:
        raise ValueError(f"expected one account for a FIX venue, found rows {sorted(accounts)}")
    return accounts.pop() if accounts else -1


def _session(settings: FixSettings, name: str, sender: str, target: str) -> Session:
    sender, target = sender or settings.sender_comp_id, target or settings.target_comp_id
    limits = SessionSettings(
        sender=sender,
        target=target,
        initiator=True,
        heartbeat_s=settings.heartbeat_s,
        reset_on_logon=settings.reset_on_logon,
        username=settings.username,
        password=settings.password,
        logon_timeout_s=settings.logon_timeout_ms / 1000,
        logout_timeout_s=settings.logout_timeout_ms / 1000,
        max_skew_s=settings.max_skew_s,
    )
    return Session(limits, open_store(settings.store_dir, f"{sender}-{target}-{name}"))
