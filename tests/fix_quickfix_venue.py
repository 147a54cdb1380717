"""QuickFIX as counterparty, in a process of its own: `acceptor` is a small venue, `initiator` a small client.

It prints what it hears, one line each, and takes commands on stdin; it ends with stdin, and after LIFE_S at the latest.
The wheel has no dictionary, so QuickFIX is told only which messages there are and which of them have groups.
"""

import os
import re
import signal
import sys
from pathlib import Path

import quickfix as fix

LIFE_S = 60
SETTINGS = """[DEFAULT]
ConnectionType={role}
{address}
StartTime=00:00:00
EndTime=00:00:00
HeartBtInt=1
ReconnectInterval=1
UseDataDictionary=Y
DataDictionary={dictionary}
AllowUnknownMsgFields=Y
ValidateUserDefinedFields=N
ResetOnLogon={reset}
ResetOnLogout=N
ResetOnDisconnect=N
"""
GROUPS = {  # message type -> the groups in it: (count, fields)
    "V": ((267, 269), (146, 55)),
    "W": ((268, 269, 270, 271),),
    "AP": ((702, 703, 704, 705),),
}
PLAIN = ("0", "1", "2", "3", "4", "5", "A", "D", "E", "F", "H", "8", "9", "j", "Y", "AN", "AO", "BB", "BA")
HEADER = (8, 9, 35, 34, 43, 49, 52, 56, 122)
PLAIN_FIELDS = (58, 10)  # of every message, of every trailer
SESSION = "[SESSION]\nBeginString=FIX.4.4\nSenderCompID={}\nTargetCompID={}\n"


def say(*words: object) -> None:
    sys.stdout.write(" ".join(str(word) for word in words) + "\n")
    sys.stdout.flush()


def fields(message: fix.Message) -> dict[int, str]:
    """Tag to value, the last one where a tag repeats."""
    return {int(tag): value for tag, value in re.findall(r"(\d+)=([^\x01]*)\x01", message.toString())}


def message(kind: str, *pairs: tuple[int, object]) -> fix.Message:
    made = fix.Message()
    made.getHeader().setField(fix.StringField(8, "FIX.4.4"))
    made.getHeader().setField(fix.StringField(35, kind))
    for tag, value in pairs:
        made.setField(fix.StringField(tag, str(value)))
    return made


def listed(numbers) -> str:
    return "".join(f"<field name='F{number}' required='N'/>" for number in numbers)


def dictionary() -> str:
    """The least that QuickFIX needs to read repeating groups."""
    counts = {group[0] for groups in GROUPS.values() for group in groups}
    numbers = {number for groups in GROUPS.values() for group in groups for number in group} | {*HEADER, *PLAIN_FIELDS}
    kinds = {number: "NUMINGROUP" if number in counts else "STRING" for number in sorted(numbers)}
    fields = "".join(f"<field number='{at}' name='F{at}' type='{kind}'/>" for at, kind in kinds.items())
    messages = ""
    for kind in (*PLAIN, *GROUPS):
        inside = listed(PLAIN_FIELDS[:1])
        for count, *members in GROUPS.get(kind, ()):
            inside += f"<group name='F{count}' required='N'>{listed(members)}</group>"
        messages += f"<message name='M{kind}' msgtype='{kind}' msgcat='app'>{inside}</message>"
    parts = (
        f"<header>{listed(HEADER)}</header><messages>{messages}</messages><trailer>{listed(PLAIN_FIELDS[1:])}</trailer>"
    )
    return f"<fix major='4' minor='4'>{parts}<components/><fields>{fields}</fields></fix>"


class Counterparty(fix.Application):
    """Tells stdout of everything; as a venue it answers orders, queries, market data and snapshot requests."""

    def __init__(self, venue: bool) -> None:
        super().__init__()
        self.venue = venue
        self.sessions: list[fix.SessionID] = []
        self.told = 0
        self.orders: dict[str, dict[int, str]] = {}

    def onCreate(self, session):
        kept = fix.SessionID()  # the argument dies with the call
        kept.fromString(session.toString())
        self.sessions.append(kept)

    def onLogon(self, session):
        say("logon", session.toString())

    def onLogout(self, session):
        say("logout", session.toString())

    def toAdmin(self, out, session):
        self.tell("admin-out", out)

    def toApp(self, out, session):
        self.tell("app-out", out)

    def fromAdmin(self, received, session):
        self.tell("admin-in", received)

    def fromApp(self, received, session):
        self.tell("app-in", received)
        if self.venue:
            found = fields(received)
            answer = {"D": self.order, "F": self.cancel, "H": self.status, "V": self.quote}.get(found[35])
            if answer:
                answer(found, session)

    def tell(self, where, what):
        say(where, what.toString().replace("\x01", "|"))

    def report(self, order, session, kind, status, cum, leaves, *more):
        self.told += 1
        terms = ((37, "V" + order[11]), (17, f"E{self.told}"), (150, kind), (39, status), (55, order[55]))
        sizes = ((54, order[54]), (38, order[38]), (14, cum), (151, leaves), (6, 0))
        ids = () if any(tag == 11 for tag, _ in more) else ((11, order[11]),)
        fix.Session.sendToTarget(message("8", *ids, *terms, *sizes, *more), session)

    def order(self, found, session):
        """A price of 13 is refused; otherwise two lots trade, and an IOC's rest ends."""
        if found[44].startswith("13"):
            self.report(found, session, 8, 8, 0, 0, (58, "unlucky"), (103, 99))
            return
        self.orders[found[11]] = found
        total = int(found[38])
        traded = 0 if found[59] == "0" else min(2, total)
        self.report(found, session, 0, 0, 0, total)
        if traded:
            state = 2 if traded == total else 1
            self.report(found, session, "F", state, traded, total - traded, (32, traded), (31, found[44]))
        if found[59] != "0" and traded < total:
            self.report(found, session, "C", "C", traded, 0)

    def cancel(self, found, session):
        """Quirk: the acknowledgement carries the order's own id and no OrigClOrdID."""
        original = self.orders.get(found[41])
        if original is None:
            refusal = ((37, "NONE"), (11, found[11]), (41, found[41]), (39, 8), (434, 1), (102, 1), (58, "unknown"))
            fix.Session.sendToTarget(message("9", *refusal), session)
        else:
            self.report(original, session, 4, 4, 0, 0)

    def status(self, found, session):
        known = self.orders.get(found[11])
        if known is None:
            self.report(found | {38: "0"}, session, "I", 8, 0, 0, (103, 5), (790, found[790]))
        else:
            self.report(known, session, "I", 0, 0, known[38], (790, found[790]))

    def quote(self, found, session):
        made = message("W", (262, found[262]), (55, found[55]))
        for side, price in ((0, "9500.0"), (1, "9500.5")):
            group = fix.Group(268, 269)
            for tag, value in ((269, side), (270, price), (271, 4)):
                group.setField(fix.StringField(tag, str(value)))
            made.addGroup(group)
        fix.Session.sendToTarget(made, session)


def obey(app: Counterparty, line: str) -> None:
    """send KIND TAG=VALUE... (to the first session) | subscribe SYMBOL | skip N numbers | seq: tell the next ones"""
    word, *rest = line.split()
    session = fix.Session.lookupSession(app.sessions[0])
    if word == "send":
        pairs = [(int(tag), value.replace("_", " ")) for tag, _, value in (pair.partition("=") for pair in rest[1:])]
        fix.Session.sendToTarget(message(rest[0], *pairs), app.sessions[0])
    elif word == "subscribe":
        request = message("V", (262, "R"), (263, 1), (264, 1))
        for count, values in ((267, ("0", "1")), (146, rest)):
            for value in values:
                group = fix.Group(count, dict(GROUPS["V"])[count])
                group.setField(fix.StringField(dict(GROUPS["V"])[count], value))
                request.addGroup(group)
        fix.Session.sendToTarget(request, app.sessions[0])
    elif word == "skip":
        session.setNextSenderMsgSeqNum(session.getExpectedSenderNum() + int(rest[0]))
    elif word == "seq":
        say("seq", session.getExpectedSenderNum(), session.getExpectedTargetNum())


def main(role: str, port: str, reset: str, folder: str, sender: str, *targets: str) -> None:
    signal.alarm(LIFE_S)
    venue = role == "acceptor"
    address = f"SocketAcceptPort={port}\nSocketReuseAddress=Y" if venue else (
        f"SocketConnectHost=127.0.0.1\nSocketConnectPort={port}"
    )  # fmt: skip
    groups = Path(folder) / "groups.xml"
    groups.write_text(dictionary())
    text = SETTINGS.format(role=role, address=address, reset=reset, dictionary=groups)
    path = Path(folder) / f"{role}.cfg"
    path.write_text(text + "".join(SESSION.format(sender, target) for target in targets))
    app, settings = Counterparty(venue), fix.SessionSettings(str(path))
    kind = fix.SocketAcceptor if venue else fix.SocketInitiator
    runner = kind(app, fix.MemoryStoreFactory(), settings)
    runner.start()
    say("ready")
    for line in sys.stdin:
        obey(app, line)
    os._exit(0)  # QuickFIX's own stop waits for logouts; nobody is left to hear them


if __name__ == "__main__":
    main(*sys.argv[1:])
