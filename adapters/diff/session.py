"""The server's end of one WebSocket: `rtn_data` only against a `peek_message`, what waits is merged meanwhile."""

from typing import Any, Protocol

import orjson
from picows import WSFrame, WSListener, WSMsgType, WSTransport

from adapters.diff.tree import compose, parse


class Desk(Protocol):
    """Who answers a session's requests."""

    def joined(self, session: "Session") -> None: ...

    def left(self, session: "Session") -> None: ...

    def request(self, session: "Session", message: dict[str, Any]) -> None:
        """One request, `aid` a text. ValueError, said in words for the client, where it cannot be served."""


class Session(WSListener):
    """channel: engine.ports.MARKET_DATA or TRADING. user: who has logged in, '' before. symbols: what is subscribed."""

    def __init__(self, channel: int, desk: Desk) -> None:
        self.channel = channel
        self.user = ""
        self.symbols: frozenset[str] = frozenset()
        self.silent = False
        self._desk = desk
        self._transport: WSTransport | None = None
        self._pending: dict[str, Any] = {}
        self._peeked = False
        self._notices = 0

    def queue(self, patch: dict[str, Any]) -> None:
        """Send a patch with the next answer to a peek: now, if one is outstanding."""
        compose(self._pending, patch)
        self._flush()

    def notify(self, content: str, level: str = "WARNING") -> None:
        self._notices += 1
        notice = {"type": "MESSAGE", "level": level, "code": 0, "content": content, "user_id": self.user}
        self.queue({"notify": {f"N{self._notices}": notice}})

    def send(self, text: bytes) -> None:
        """Send a text frame as it is, asked for or not."""
        if self._transport is not None and not self.silent:
            self._transport.send(WSMsgType.TEXT, text)

    async def close(self) -> None:
        transport = self._transport
        if transport is not None:
            transport.disconnect(graceful=False)
            await transport.wait_disconnected()

    def disconnect(self) -> None:
        if self._transport is not None:
            self._transport.disconnect()

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._transport = transport
        self._desk.joined(self)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self._transport = None
        self._desk.left(self)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.CLOSE:
            transport.disconnect()
        elif frame.msg_type == WSMsgType.PING:
            if not self.silent:
                transport.send_pong(frame.get_payload_as_bytes())
        elif frame.msg_type != WSMsgType.PONG:
            self.received(frame.get_payload_as_bytes())

    def received(self, text: bytes) -> None:
        """One text frame of the client."""
        try:
            message = parse(text)
            if not isinstance(message, dict) or not isinstance(message.get("aid"), str):
                raise ValueError("expected an object with an aid")
            if message["aid"] == "peek_message":
                self._peeked = True
                self._flush()
            else:
                self._desk.request(self, message)
        except ValueError as error:
            self.notify(f"refused: {error}")

    def _flush(self) -> None:
        if self._peeked and self._pending and not self.silent:
            pending, self._pending = self._pending, {}
            self._peeked = False
            self.send(orjson.dumps({"aid": "rtn_data", "data": [pending]}))
