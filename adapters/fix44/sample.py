"""A snapshot as the venue would send it, in a lane of its own: what a rehearsal reads."""

import numpy as np

from adapters.fix44 import tags
from adapters.fix44.codec import frame
from adapters.fix44.lane import Lane
from adapters.fix44.listing import Listing
from adapters.fix44.stamps import Stamps


class Sample:
    """One message, played again and again; `write` brings it up to date."""

    def __init__(self, listing: Listing, parties: tuple[bytes, bytes]) -> None:
        self._listing, self._parties, self._stamps = listing, parties, Stamps()
        self._number = np.ones(1, np.int64)
        self._message = b""
        self.lane = Lane(listing, self._number.ctypes.data, parties, 0.0)
        self.instruments = list(listing.by_index)

    def write(
        self, instrument: int, bid_ticks: int, bid_lots: int, ask_ticks: int, ask_lots: int, now_ns: int
    ) -> None:  # fmt: skip
        """A best quote of one instrument."""
        listed = self._listing.by_index[instrument]
        sides = ((b"0", bid_ticks, bid_lots), (b"1", ask_ticks, ask_lots))
        entries = b"".join(
            b"269=%b\x01270=%b\x01271=%b\x01" % (side, listed.prices.text(ticks), listed.sizes.text(lots))
            for side, ticks, lots in sides
        )
        head = b"35=%b\x0149=%b\x0156=%b\x0134=1\x0152=%b\x01" % (
            tags.MD_SNAPSHOT, *self._parties, self._stamps.text(now_ns),
        )  # fmt: skip
        self._message = frame(b"%b55=%b\x01268=2\x01%b" % (head, listed.symbol, entries))

    def play(self) -> None:
        """The message lies in the lane, as if it had just been read."""
        self._number[0] = 1
        self.lane.fill(self._message)
