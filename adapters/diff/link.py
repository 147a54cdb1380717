"""A WebSocket that is kept open: connect, back off, ping when quiet, drop when silent, write in the same turn."""

import asyncio
from collections.abc import Callable
from typing import Protocol

import structlog
from picows import WSError, WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from adapters.diff.settings import DiffSettings
from engine.ports import FAILED, QUEUED, WRITTEN

log = structlog.get_logger("adapters.diff")

# A login snapshot of a busy account is megabytes in one frame.
MAX_FRAME_BYTES = 256 * 1024 * 1024


class Owner(Protocol):
    """Who a link works for. `closed` comes once after each `opened`, and after each failed try to connect."""

    def opened(self, now_ns: int) -> None: ...

    def heard(self, now_ns: int) -> None: ...

    def received(self, text: bytes, recv_ns: int) -> None: ...

    def closed(self, why: str, now_ns: int) -> None: ...


class Link(WSListener):
    """One client WebSocket, reopened until stop.

    picows sets TCP_NODELAY and hands a frame to `send(2)` in the call itself while nothing waits in the out-buffer, so
    `write` says truly whether the kernel has all bytes. Over TLS aiofastnet encrypts and sends in the call too, but
    what a full socket leaves inside OpenSSL is not counted as QUEUED.
    """

    def __init__(self, url: str, settings: DiffSettings, clock: Callable[[], int], owner: Owner) -> None:
        self._url = url
        self._settings = settings
        self._clock = clock
        self._owner = owner
        self._transport: WSTransport | None = None
        self._parts: list[bytes] = []
        self._heard_ns = 0
        self._pause_ms = settings.reconnect_min_ms
        self._refused = False
        self._stopped = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._beat: asyncio.TimerHandle | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Close without a further callback; a connection that is just being made is waited for (connect_timeout_ms)."""
        self._stopped.set()
        self._detach()
        if self._task is not None:
            await self._task

    @property
    def is_open(self) -> bool:
        return self._transport is not None

    def write(self, frame: bytes) -> int:
        """WRITTEN, QUEUED or FAILED. A write that the kernel refuses ends the connection: no whole frame left."""
        transport = self._transport
        if transport is None or transport.underlying_transport.is_closing():
            return FAILED
        transport.send(WSMsgType.TEXT, frame)
        out = transport.underlying_transport
        if out.is_closing():
            return FAILED
        return QUEUED if out.get_write_buffer_size() else WRITTEN

    def drop(self, why: str) -> None:
        """Close now; the next try follows after the back-off."""
        if self._detach():
            self._owner.closed(why, self._clock())

    def refuse(self, why: str) -> None:
        """The venue refused us: close, and stay closed for login_retry_ms, or for good."""
        self._refused = True
        self.drop(why)

    def ready(self) -> None:
        """The connection has proved useful: the next back-off starts from its minimum again."""
        self._pause_ms = self._settings.reconnect_min_ms

    # picows' callbacks

    def on_ws_connected(self, transport: WSTransport) -> None:
        if self._stopped.is_set():
            transport.disconnect(graceful=False)
            return
        self._transport = transport
        self._parts.clear()
        self._heard_ns = self._clock()
        self._schedule_beat()
        self._owner.opened(self._heard_ns)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if transport is not self._transport:
            return
        self._heard_ns = now_ns = self._clock()
        if frame.msg_type == WSMsgType.CLOSE:
            self.drop(f"closed by the server: {_close_text(frame)}")
        elif frame.msg_type in (WSMsgType.PING, WSMsgType.PONG):
            self._owner.heard(now_ns)
        else:
            self._on_data(frame, now_ns)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        if transport is self._transport:
            self.drop("the connection was lost")

    def _on_data(self, frame: WSFrame, now_ns: int) -> None:
        text = frame.get_payload_as_bytes()
        if self._parts or not frame.fin:
            self._parts.append(text)
            if not frame.fin:
                return
            text = b"".join(self._parts)
            self._parts.clear()
        try:
            self._owner.received(text, now_ns)
        except Exception as error:
            # What follows a frame that was half worked off cannot be trusted; a fresh snapshot can.
            log.exception("a frame could not be worked off", url=self._url)
            self.drop(f"a frame could not be worked off: {error!r}")

    # Life

    async def _run(self) -> None:
        while not self._stopped.is_set():
            await self._connect()
            await self._pause()

    async def _connect(self) -> None:
        """Open the socket and wait for its end."""
        limit_s = self._settings.connect_timeout_ms / 1000
        try:
            async with asyncio.timeout(2 * limit_s):
                transport, _ = await ws_connect(
                    lambda: self, self._url, websocket_handshake_timeout=limit_s, max_frame_size=MAX_FRAME_BYTES
                )
        except (OSError, WSError, TimeoutError) as error:
            if not self._stopped.is_set():
                self._owner.closed(f"cannot connect to {self._url}: {error!r}", self._clock())
            return
        try:
            await transport.wait_disconnected()
        except Exception:
            # picows raises here what ended the connection from our side: a broken frame, or a callback of ours.
            log.exception("the connection was ended by an error", url=self._url)

    async def _pause(self) -> None:
        pause_ms, self._pause_ms = self._pause_ms, min(2 * self._pause_ms, self._settings.reconnect_max_ms)
        if self._refused:
            self._refused = False
            pause_ms = self._settings.login_retry_ms or None
        try:
            async with asyncio.timeout(pause_ms and pause_ms / 1000):
                await self._stopped.wait()
        except TimeoutError:
            return

    def _detach(self) -> bool:
        """Let go of the open connection; False where there is none."""
        transport, self._transport = self._transport, None
        if transport is None:
            return False
        if self._beat is not None:
            self._beat.cancel()
        transport.disconnect(graceful=False)
        return True

    def _schedule_beat(self) -> None:
        loop = asyncio.get_running_loop()
        self._beat = loop.call_later(self._settings.heartbeat_ms / 1000, self._on_beat)

    def _on_beat(self) -> None:
        transport = self._transport
        if transport is None:
            return
        quiet_ms = (self._clock() - self._heard_ns) // 1_000_000
        if quiet_ms >= self._settings.silence_ms:
            self.drop(f"silent for {quiet_ms} ms")
            return
        transport.send_ping()
        self._schedule_beat()


def _close_text(frame: WSFrame) -> str:
    reason = bytes(frame.get_close_message() or b"").decode("utf-8", "replace")
    return f"code {int(frame.get_close_code())} {reason}".strip()
