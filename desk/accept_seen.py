"""What a joint test's journal shows: links, snapshots, quotes, deals, the kill; is it whole, does it replay."""

import os
from pathlib import Path
from typing import Any

from desk.replay import replay
from engine import layout, records
from engine.ports import CHANNELS, READY
from engine.segments import read
from engine.verify import verify


def figures_of(folder: Path) -> dict[str, Any]:
    """What a journal shows of a joint test; lists are of names. ValueError where it holds no start."""
    seen = _Seen()
    for record in read(folder):
        seen.feed(record)
    if seen.config is None:
        raise ValueError(f"{folder}: the engine never wrote its start")
    found, verdict = verify(folder), replay(folder)
    return seen.figures() | {
        "whole": found.whole, "ended": found.ended, "problems": found.problems, "records": found.records,
        "identical": verdict.identical, "inputs": verdict.inputs, "outputs": verdict.outputs,
        "difference": "" if verdict.difference is None else f"record {verdict.difference.seq}",
        "chain": chain_of(folder), "journal": str(folder), "bytes": _bytes_of(folder),
    }  # fmt: skip


def chain_of(folder: Path) -> str:
    """The hash of the chain's last seal, hexadecimal; empty where nothing is sealed."""
    seals = layout.read_seals(folder)
    return seals["chain"][-1].tobytes().hex() if len(seals) else ""


def _bytes_of(folder: Path) -> int:
    return sum(os.stat(path).st_size for path in folder.iterdir() if path.is_file())


class _Seen:
    """What a journal's records tell, taken in one pass."""

    def __init__(self) -> None:
        self.config: dict | None = None
        self.names: dict[str, list[str]] = {}
        self.config_hash = ""
        self.links: set[tuple[int, int]] = set()
        self.accounts: set[int] = set()
        self.quoted: dict[int, int] = {}
        self.counts = dict.fromkeys(("bad_inputs", "decisions", "orders", "fills", "alerts_error"), 0)
        self.deals: dict[int, int] = {}
        self.kills: dict[int, Any] = {}
        self.kill_seq = self.entries_after_kill = 0

    def feed(self, record) -> None:
        kind, data = record.kind, record.data
        if kind == records.CONFIG:
            self.config, self.names = data["config"], data["names"]
        elif kind == records.START:
            self.config_hash = bytes(data["config_hash"]).decode(errors="replace")
        elif kind == records.LINK and data["state"] == READY:
            self.links.add((int(data["venue"]), int(data["channel"])))
        elif kind == records.ACCOUNT:
            self.accounts.add(int(data["account"]))
        elif kind == records.QUOTE:
            self.quoted[int(data["instrument"])] = self.quoted.get(int(data["instrument"]), 0) + 1
        elif kind == records.BAD_INPUT:
            self.counts["bad_inputs"] += 1
        elif kind == records.COMMAND and data["code"] == records.COMMAND_KILL:
            self.kill_seq = record.seq
        else:
            self._output(kind, data)

    def _output(self, kind: int, data) -> None:
        if kind == records.DECISION:
            self.counts["decisions"] += int(data["purpose"] in (records.ENTRY, records.EXIT))
        elif kind == records.ORDER:
            self.counts["orders"] += 1
            self.entries_after_kill += int(self.kill_seq > 0 and data["purpose"] == records.ENTRY)
        elif kind == records.FILL:
            self.counts["fills"] += 1
        elif kind == records.DEAL:
            self.deals[int(data["deal_id"])] = int(data["outcome"])
        elif kind == records.KILL:
            self.kills[int(data["venue"])] = data
        elif kind == records.ALERT:
            self.counts["alerts_error"] += int(data.get("level") == "error")

    def figures(self) -> dict[str, Any]:
        name = lambda room, index: self.names[room][index]
        ends = list(self.deals.values())
        kills = {
            name("venues", venue): {
                "asked": int(row["asked"]), "cancelled": int(row["cancelled"]), "filled": int(row["filled"]),
                "left": int(row["left"]), "last_ms": int(row["last_ns"]) / 1e6,
            }
            for venue, row in sorted(self.kills.items())
        }  # fmt: skip
        return self.counts | {
            "config": self.config, "config_hash": self.config_hash,
            "links_ready": [f"{name('venues', venue)} {CHANNELS[channel]}" for venue, channel in sorted(self.links)],
            "accounts": [name("accounts", index) for index in sorted(self.accounts)],
            "quoted": [name("instruments", index) for index in sorted(self.quoted)],
            "quotes": sum(self.quoted.values()), "deals": len(ends),
            "outcomes": {word: ends.count(at) for at, word in enumerate(records.OUTCOMES) if at in ends},
            "kills": kills, "kill_left": sum(one["left"] for one in kills.values()) if kills else None,
            "entries_after_kill": self.entries_after_kill if self.kill_seq else None,
        }  # fmt: skip
