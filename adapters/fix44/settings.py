"""What a person may set of a FIX venue."""

import msgspec

LONGEST_MS = 3_600_000


class FixSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Two sessions with one counterparty, market data and orders, each with its own port and, where set, comp ids.

    *_sender_comp_id, *_target_comp_id: of one session, the common ones where empty. account: the venue's name of ours
    (tag 1), left out where empty. snapshot: ask for positions and account after the logon and be ready when they have
    arrived; off for venues without them. incremental: ask for 35=X updates, else for full refreshes. store_dir: keep
    the sequence numbers there over a restart; in memory where empty. max_skew_s: how far the venue's SendingTime may
    be from our clock, 0 for any.
    """

    sender_comp_id: str
    target_comp_id: str
    host: str
    md_port: int
    order_port: int
    md_sender_comp_id: str = ""
    md_target_comp_id: str = ""
    order_sender_comp_id: str = ""
    order_target_comp_id: str = ""
    username: str = ""
    password: str = ""
    account: str = ""
    heartbeat_s: int = 2
    reset_on_logon: bool = False
    reconnect_min_ms: int = 100
    reconnect_max_ms: int = 10_000
    connect_timeout_ms: int = 5_000
    logon_timeout_ms: int = 10_000
    logout_timeout_ms: int = 1_000
    max_skew_s: float = 120.0
    incremental: bool = True
    snapshot: bool = True
    store_dir: str = ""

    def __post_init__(self) -> None:
        if not 0 < self.reconnect_min_ms <= self.reconnect_max_ms:
            raise ValueError("reconnect_min_ms: expected 0 < reconnect_min_ms <= reconnect_max_ms")
        if not 1 <= self.heartbeat_s <= 3600:
            raise ValueError(f"heartbeat_s: expected 1 to 3600, got {self.heartbeat_s}")
        for name in ("reconnect_max_ms", "connect_timeout_ms", "logon_timeout_ms", "logout_timeout_ms"):
            if not 0 < getattr(self, name) <= LONGEST_MS:
                raise ValueError(f"{name}: expected 1 to {LONGEST_MS}, got {getattr(self, name)}")
        if not 0 <= self.max_skew_s <= 86_400:
            raise ValueError(f"max_skew_s: expected 0 (any) to 86400, got {self.max_skew_s}")
        for name in ("md_port", "order_port"):
            if not 0 < getattr(self, name) < 65536:
                raise ValueError(f"{name}: expected 1 to 65535, got {getattr(self, name)}")
