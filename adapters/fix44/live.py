"""The client's orders that are not known to be terminal: what a gap or a reconnect asks the venue about."""

from collections.abc import Iterator

from engine.ports import OrderRequest

PAST_ORDERS = 1024


class LiveOrders:
    """By client id, with the number of the last message on each, so that a Reject finds its order."""

    def __init__(self) -> None:
        self._orders: dict[str, OrderRequest] = {}
        self._past: dict[str, OrderRequest] = {}  # terminal ones, the last few: answers to a late cancel
        self._cancels: dict[str, str] = {}  # cancel id -> client id
        self._sent: dict[int, tuple[bytes, str]] = {}  # MsgSeqNum -> (type, client id)

    def __len__(self) -> int:
        return len(self._orders)

    def __iter__(self) -> Iterator[OrderRequest]:
        return iter(tuple(self._orders.values()))

    def sent(self, kind: bytes, seq: int, order: OrderRequest, cancel_id: str = "") -> None:
        """A message on `order` is about to be written with this number."""
        self._orders[order.client_id] = order
        self._sent[seq] = kind, order.client_id
        if cancel_id:
            self._cancels[cancel_id] = order.client_id

    def get(self, client_id: str) -> OrderRequest | None:
        """A live order, or one of the last that ended."""
        return self._orders.get(client_id) or self._past.get(client_id)

    def resolve(self, client_id: str, orig_client_id: str) -> str:
        """The order that a report is about: venues answer a cancel under its own id, the order's, or both."""
        for name in (orig_client_id, client_id, self._cancels.get(client_id, "")):
            if self.get(name):
                return name
        return orig_client_id or self._cancels.get(client_id) or client_id

    def message(self, seq: int) -> tuple[bytes, str]:
        """(type, client id) of our message with this number, empty where it was about no live order."""
        return self._sent.get(seq, (b"", ""))

    def terminal(self, client_id: str) -> None:
        """The order is done: it is not asked about again, and its numbers are free."""
        order = self._orders.pop(client_id, None)
        if order is not None:
            self._past[client_id] = order
            if len(self._past) > PAST_ORDERS:
                del self._past[next(iter(self._past))]
            self._sent = {seq: said for seq, said in self._sent.items() if said[1] != client_id}
            self._cancels = {cancel: name for cancel, name in self._cancels.items() if name != client_id}

    def renumbered(self) -> None:
        """Sequence numbers start again: the old ones name nothing."""
        self._sent.clear()
