"""Where a DIFF venue is and how patient its links are."""

import msgspec

MIN_BEAT_MS = 10
LONGEST_MS = 3_600_000


class DiffSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One DIFF account. ValueError, naming the field, where a value cannot work.

    md_url, td_url: ws:// or wss://. broker: the `bid` of req_login. heartbeat_ms: a link quiet for so long is pinged;
    silence_ms: one quiet for so long is dropped. reconnect_*: the back-off, doubled from min to max until a link is
    ready again. login_retry_ms: pause after a refused login; 0 leaves the link down until the next start, because
    brokers lock an account after a few wrong passwords. query_patience_ms: a query for an order that this connection
    sent so long ago and that is not in the tree opens the connection anew, for a fresh snapshot.
    """

    md_url: str
    td_url: str
    broker: str
    user: str
    password: str
    heartbeat_ms: int = 2_000
    silence_ms: int = 8_000
    connect_timeout_ms: int = 3_000
    reconnect_min_ms: int = 200
    reconnect_max_ms: int = 30_000
    login_retry_ms: int = 0
    query_patience_ms: int = 3_000

    def __post_init__(self) -> None:
        for name in ("md_url", "td_url"):
            if not getattr(self, name).startswith(("ws://", "wss://")):
                raise ValueError(f"{name}: expected ws:// or wss://, got {getattr(self, name)!r}")
        if not self.user:
            raise ValueError("user: expected the account's name, got an empty text")
        if not MIN_BEAT_MS <= self.heartbeat_ms < self.silence_ms:
            raise ValueError(f"silence_ms {self.silence_ms}: expected more than heartbeat_ms {self.heartbeat_ms}")
        if not 0 < self.reconnect_min_ms <= self.reconnect_max_ms:
            raise ValueError(f"reconnect_max_ms {self.reconnect_max_ms}: expected reconnect_min_ms or more")
        for name in ("silence_ms", "connect_timeout_ms", "reconnect_max_ms", "login_retry_ms", "query_patience_ms"):
            if getattr(self, name) > LONGEST_MS:
                raise ValueError(f"{name}: expected at most {LONGEST_MS}, got {getattr(self, name)}")
        for name in ("connect_timeout_ms", "login_retry_ms", "query_patience_ms"):
            if getattr(self, name) < (name == "connect_timeout_ms"):
                raise ValueError(f"{name}: expected no negative time, got {getattr(self, name)}")

    def __repr__(self) -> str:
        return f"DiffSettings(md_url={self.md_url!r}, td_url={self.td_url!r}, user={self.user!r})"
