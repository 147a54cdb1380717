"""The commands to a running engine: their help, their arguments, and what each asks of it."""

import argparse
from pathlib import Path

from desk.cli_parts import count
from desk.resolutions import MEANINGS

HELP = """\
commands to a running engine; your name and the reason, --why, stand in its journal:
  status JOURNAL          what is open or halted, and every switch
  halt JOURNAL SCOPE      nothing new there; repairs of what is open go on
  reduce JOURNAL SCOPE    only what makes a position smaller
  resume JOURNAL SCOPE    as before
  resolve JOURNAL ID      a person's decision on a halted deal: --retry, --accept or --by-hand
  transfer JOURNAL FROM TO AMOUNT   you have sent money between accounts, or it has come: --arrived
"""
_SCOPES = """\
SCOPE is one of
  all            the whole engine
  venue:ID       one venue           account:ID   one account
  strategy:ID    one strategy        spread:ID    one spread
with the ids of the config, such as strategy:gold_spread. A narrow switch never loosens a wide one: what is halted by
`all` stays so until `resume JOURNAL all`.

Exit code 0: done; 1: refused by the engine, which says why; 2: not understood, or no engine runs at that journal.
"""
_SWITCHES = {
    "halt": "Nothing new is decided there: no entry and no exit. Orders that are out live on, and a deal out of "
            "balance is still repaired. The engine keeps running; `tandem resume` ends it.",
    "reduce": "Only what makes a position smaller is decided there: exits, no entries. `tandem resume` ends it.",
    "resume": "Entries and exits are decided there again. Refused for a strategy that has a halted deal: `tandem "
              "resolve` comes first.",
}  # fmt: skip
_RESOLVE = """\
A deal is Halted where repair has given up, or the venue never told of all its trades: it keeps the lots that it has,
and its strategy stands still until a person has decided. `tandem deal JOURNAL ID` shows what it holds and why. The
decisions:

{decisions}
When to use which:
  retry     the cause has gone (the link is back, the market open, the price limit left): the engine finishes it
  accept    you can live with the lots: the deal ends with them as they are, and their exposure is the spread's residual
            ledger's from now on; where ledger_hedge is on, the engine hedges it when it is worth a lot
  by-hand   you have closed or completed it yourself at the venue: tell the engine only after your trade is done

accept and by-hand are refused while an order of the deal is in doubt. Afterwards the strategy trades again, unless
another of its deals is halted. Decision, name and reason are in the journal.

Exit code 0: done; 1: refused by the engine, which says why; 2: not understood, or no engine runs at that journal.
"""
_TRANSFER = """\
Says that a person has sent money from one account to another one of its pool (在途资金). The engine moves none itself;
an alert transfer_proposed says where it would help. While it is in transit it counts nowhere: it is taken from the
sender's balance at once, until that account's next snapshot says what is there, and the receiver's balance rises when
its venue says so. An alert tells of what has been in transit for more than a day.

  tandem transfer JOURNAL us cn 250000 --why "proposed at 10:05"     as it is sent
  tandem transfer JOURNAL us cn 250000 --arrived --why "bank says"   as it has come: the same sum

Exit code 0: done; 1: refused by the engine, which says why; 2: not understood, or no engine runs at that journal.
"""


def add(commands) -> None:
    """Their parsers."""
    plain = argparse.RawDescriptionHelpFormatter
    status = commands.add_parser("status", help="what a running engine has open or halted, and its switches")
    status.add_argument("journal", type=Path, metavar="JOURNAL")
    for name, teaches in _SWITCHES.items():
        switch = commands.add_parser(name, help=f"{name} a scope of a running engine", description=teaches,
                                     epilog=_SCOPES, formatter_class=plain)  # fmt: skip
        switch.add_argument("journal", type=Path, metavar="JOURNAL", help="of the running engine")
        switch.add_argument("scope", metavar="SCOPE", help="see below")
        switch.add_argument("--why", required=True, metavar="TEXT", help="the reason, for the journal")
    meanings = "".join(f"  --{name:<8} {meaning}\n" for name, meaning in MEANINGS.items())
    resolve = commands.add_parser("resolve", help="decide on a halted deal", formatter_class=plain,
                                  description="A person's decision on a halted deal of a running engine.",
                                  epilog=_RESOLVE.format(decisions=meanings))  # fmt: skip
    resolve.add_argument("journal", type=Path, metavar="JOURNAL", help="of the running engine")
    resolve.add_argument("id", type=count, metavar="ID", help="of the deal, as `tandem deals` lists it")
    decisions = resolve.add_mutually_exclusive_group(required=True)
    for name, meaning in MEANINGS.items():
        decisions.add_argument(f"--{name}", dest="decision", action="store_const", const=name, help=meaning)
    resolve.add_argument("--why", required=True, metavar="TEXT", help="the reason, for the journal")
    transfer = commands.add_parser("transfer", help="money in transit between accounts", formatter_class=plain,
                                   description="A person's word about money in transit.", epilog=_TRANSFER)  # fmt: skip
    transfer.add_argument("journal", type=Path, metavar="JOURNAL", help="of the running engine")
    transfer.add_argument("sender", metavar="FROM", help="the account that it leaves")
    transfer.add_argument("receiver", metavar="TO", help="the account that it goes to")
    transfer.add_argument("amount", metavar="AMOUNT", help="in the receiver's currency")
    transfer.add_argument("--arrived", action="store_true", help="it has come")
    transfer.add_argument("--why", required=True, metavar="TEXT", help="the reason, for the journal")


def _status(asked) -> int:
    from desk.command import status

    return status(asked.journal)


def _switch(asked) -> int:
    from desk.command import send

    return send(asked.journal, {"command": asked.command, "scope": asked.scope, "why": asked.why})


def _resolve(asked) -> int:
    from desk.command import send

    request = {"command": "resolve", "deal": asked.id, "decision": asked.decision, "why": asked.why}
    return send(asked.journal, request)


def _transfer(asked) -> int:
    from desk.command import send

    fields = ("command", "sender", "receiver", "amount", "arrived", "why")
    return send(asked.journal, {name: getattr(asked, name) for name in fields})


DO = {
    "status": _status, "halt": _switch, "reduce": _switch, "resume": _switch, "resolve": _resolve,
    "transfer": _transfer,
}  # fmt: skip
