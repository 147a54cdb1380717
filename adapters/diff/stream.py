"""One DIFF channel: frames in, one tree kept up to date, one `peek_message` outstanding."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import orjson
import structlog

from adapters.diff.link import Link
from adapters.diff.settings import DiffSettings
from adapters.diff.tree import Shape, fault, merge, parse
from engine.ports import DOWN, READY, Inputs

log = structlog.get_logger("adapters.diff")

PEEK = b'{"aid":"peek_message"}'
# Known messages that say nothing to us.
SILENT_AIDS = ("rsp_login",)
RAW_KEPT_BYTES = 4096


class Stream(ABC):
    """What market data and trading share. A subclass greets a new connection and reads each transaction.

    A DIFF stream numbers nothing and sends only differences: a frame that was not understood leaves the tree wrong for
    ever. So a bad frame is reported and the connection is opened anew, which brings a fresh snapshot.
    """

    channel: int
    shape: Shape

    def __init__(self, venue: int, url: str, settings: DiffSettings, inputs: Inputs, clock: Callable[[], int]) -> None:
        self.venue = venue
        self.settings = settings
        self.inputs = inputs
        self.link = Link(url, settings, clock, self)
        self.tree: dict[str, Any] = {}
        self.connection = 0
        self._clock = clock
        self._state: tuple[int, str] = (DOWN, "")
        self._peeked = False
        self._raw = b""
        self._complaints: set[str] = set()

    @abstractmethod
    def greet(self, now_ns: int) -> None:
        """Say what a new connection must hear first."""

    @abstractmethod
    def changed(self, patches: list[dict[str, Any]], recv_ns: int) -> None:
        """The transaction has been merged into the tree."""

    # The link's owner

    def opened(self, now_ns: int) -> None:
        self.tree = {}
        self.connection += 1
        self._peeked = False
        self._complaints.clear()
        self.greet(now_ns)
        self._peek()

    def heard(self, now_ns: int) -> None:
        self.inputs.on_heard(self.venue, self.channel, now_ns)

    def closed(self, why: str, now_ns: int) -> None:
        self.announce(DOWN, now_ns, why)

    def received(self, text: bytes, recv_ns: int) -> None:
        """One text frame. What the venue sent never raises: bad input is reported, and a fresh snapshot taken."""
        self.heard(recv_ns)
        self._raw = text
        try:
            patches = _patches(parse(text), self.shape)
        except ValueError as error:
            self._distrust(str(error), recv_ns)
            return
        if patches is None:
            return
        for patch in patches:
            merge(self.tree, patch)
        self._peeked = False
        self.changed(patches, recv_ns)
        # Only now, behind the orders that this transaction caused.
        self._peek()

    # For subclasses

    def announce(self, state: int, now_ns: int, why: str = "") -> None:
        """Tell the engine of a change of the channel's state."""
        if (state, why) != self._state:
            self._state = (state, why)
            self.inputs.on_link(self.venue, self.channel, state, now_ns, why)
        if state == READY:
            self.link.ready()

    @property
    def state(self) -> int:
        return self._state[0]

    def complain(self, what: str, recv_ns: int) -> None:
        """Report a row that cannot be used; once a connection, for a DIFF row comes again with each change of it."""
        what = what.encode("utf-8", "replace").decode()
        if what not in self._complaints:
            self._complaints.add(what)
            self.inputs.on_bad_input(self.venue, what, self._raw[:RAW_KEPT_BYTES], recv_ns)

    def send(self, message: dict[str, Any]) -> int:
        return self.link.write(orjson.dumps(message))

    def _peek(self) -> None:
        if not self._peeked and self.link.is_open:
            self._peeked = True
            self.link.write(PEEK)

    def _distrust(self, what: str, recv_ns: int) -> None:
        self.complain(what, recv_ns)
        self.link.drop(f"resynchronising after bad input: {what}")


def _patches(message: Any, shape: Shape) -> list[dict[str, Any]] | None:
    """The transaction of an `rtn_data`, its types checked; None for a message of another kind."""
    if not isinstance(message, dict):
        raise ValueError(f"frame: expected an object, got {type(message).__name__}")
    aid = message.get("aid")
    if aid in SILENT_AIDS:
        return None
    if aid != "rtn_data":
        raise ValueError(f"aid: expected rtn_data, got {aid!r:.60}")
    patches = message.get("data")
    if not isinstance(patches, list):
        raise ValueError(f"data: expected an array of patches, got {type(patches).__name__}")
    for index, patch in enumerate(patches):
        wrong = fault(patch, shape)
        if wrong:
            raise ValueError(f"data[{index}]: {wrong}")
    return patches
