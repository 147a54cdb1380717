"""`python -m bench.crash.venue NOTES venue ...`: `tandem venue` with a notebook at its door.

Every order that arrives, refused ones and repeated ones too, and every trade is one line of JSON in the file NOTES:
what the venue knows of the client, whatever its protocol can be asked for.
"""

import json
import os
import sys
from pathlib import Path

from adapters.diff.server import DiffServer
from adapters.fix44 import tags
from adapters.fix44.codec import get, text
from adapters.fix44.entry import EntryDesk
from adapters.sim.matching import Matching
from engine.ports import Event


class Notebook:
    """The file, written line by line."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def note(self, **what: int | str) -> None:
        os.write(self._file, json.dumps(what).encode() + b"\n")

    def install(self) -> None:
        """Look over the shoulder of both protocols' doors, and of the matching."""
        insert, new_order, trade = DiffServer._insert, EntryDesk._new_order, Matching._trade

        def diff(server, session, message):
            self.note(arrived=str(message.get("order_id")))
            return insert(server, session, message)

        def fix(desk, link, raw):
            self.note(arrived=text(get(raw, tags.CLIENT_ID) or b""))
            return new_order(desk, link, raw)

        def traded(matching, order, match, trade_id, now_ns):
            report = trade(matching, order, match, trade_id, now_ns)
            assert report.event == Event.TRADE
            entered = report.order
            self.note(traded=entered.client_id, symbol=entered.symbol, lots=report.last_lots * entered.side,
                      trade_id=report.trade_id)  # fmt: skip
            return report

        DiffServer._insert, EntryDesk._new_order, Matching._trade = diff, fix, traded


def main(arguments: list[str]) -> int:
    Notebook(Path(arguments[0])).install()
    from desk.cli import main as tandem

    return tandem(arguments[1:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
