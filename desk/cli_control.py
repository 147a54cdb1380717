"""The commands to a running engine: their help, their arguments, and what each asks of it."""

import argparse
from pathlib import Path

from desk import until
from desk.cli_parts import count, positive
from desk.resolutions import MEANINGS

HELP = """\
commands to a running engine; your name and the reason, --why, stand in its journal:
  status JOURNAL          what is open or halted, and every switch: who has set it, why, until when
  halt JOURNAL SCOPE      nothing new there; repairs of what is open go on
  reduce JOURNAL SCOPE    only what makes a position smaller
  resume JOURNAL SCOPE    as before
  reload JOURNAL CONFIG   other limits, from a file, without a restart; --dry shows what would change
  resolve JOURNAL ID      a person's decision on a halted deal: --retry, --accept or --by-hand
  kill JOURNAL            nothing new anywhere, every order cancelled; how fast the venues answered, what is left
"""
_SCOPES = """\
SCOPE is one of
  all            the whole engine    market:ID    all venues of a market: market:domestic, market:foreign
  venue:ID       one venue           account:ID   one account
  strategy:ID    one strategy        spread:ID    one spread
with the ids of the config, such as strategy:gold_spread. A narrow switch never loosens a wide one: what is halted by
`all` stays so until `resume JOURNAL all`. A newer command on a scope replaces the one before, its end too.

Exit code 0: done; 1: refused by the engine, which says why; 2: not understood, or no engine runs at that journal.
"""
_SWITCHES = {
    "halt": "Nothing new is decided there: no entry and no exit. Orders that are out live on, and a deal out of "
            "balance is still repaired. The engine keeps running; `tandem resume` ends it.",
    "reduce": "Only what makes a position smaller is decided there: exits, no entries. `tandem resume` ends it.",
    "resume": "Entries and exits are decided there again. Refused for a strategy that has a halted deal: `tandem "
              "resolve` comes first.",
}  # fmt: skip
_UNTIL = """\
With --until or --for the switch ends by itself, also over a restart of the engine: it is active again then, an alert
says whose it was and why. A strategy that has a halted deal stays halted.

"""
_KILL = """\
The last resort, in one command: nothing new is decided anywhere, every order that may be alive at a venue is asked to
be cancelled at once, those whose state nobody knows too, and what was not sent yet is dropped. No message rate, no
quota of cancels and no price-limit rule holds a cancel back; cancels beyond the day's quota are counted and told.
Orders that are not ours are never touched: they are listed.

What is open is still repaired, unless --repairs-too: then each deal that is out of balance is handed to a person
(`tandem resolve`). The halt outlives the engine's process; `tandem resume JOURNAL all` ends it, for repairs too.

The report has a line a venue, with the ms from the word to the last order that was over; then what could not be
cancelled and why, then the orders that are not ours. A kill may be repeated, as a drill or for what was left.
"""
_KILL_ENDS = """\
Exit code 0: nothing is left; 3: something is, or a venue has not answered within --wait; 1: refused by the engine; 2:
not understood, or no engine runs at that journal.
"""
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
_RELOAD = """\
Gives a running engine the limits of a file, all of them in one step. Only limits may differ from the config in force:
sizes, levels, bands, collars, rates of margin and fees, quotas and rules, dated terms, losses, exposures. A file with
any problem, with a change of anything else, or with none at all changes nothing, and every reason is told.

  tandem reload JOURNAL configs/gold.toml --dry           what would change, and what stands in the way
  tandem reload JOURNAL configs/gold.toml --why TEXT      does it; the change, your name and TEXT are in the journal

A restart goes on with the reloaded limits, whether it is given the file of the first start or the one reloaded last.

Exit code 0: done; 1: refused by the engine, which says why; 2: not understood, or no engine runs at that journal.
"""


def add(commands) -> None:
    """Their parsers."""
    plain = argparse.RawDescriptionHelpFormatter
    status = commands.add_parser("status", help="what a running engine has open or halted, and its switches")
    status.add_argument("journal", type=Path, metavar="JOURNAL")
    for name, teaches in _SWITCHES.items():
        ends = name != "resume"
        switch = commands.add_parser(name, help=f"{name} a scope of a running engine", description=teaches,
                                     epilog=(_UNTIL if ends else "") + _SCOPES, formatter_class=plain)  # fmt: skip
        switch.add_argument("journal", type=Path, metavar="JOURNAL", help="of the running engine")
        switch.add_argument("scope", metavar="SCOPE", help="see below")
        switch.add_argument("--why", required=True, metavar="TEXT", help="the reason, for the journal")
        switch.set_defaults(until=None, span_ns=None)
        if ends:
            _add_end(switch)
    reload = commands.add_parser("reload", help="other limits for a running engine", description=_RELOAD,
                                 formatter_class=plain)  # fmt: skip
    reload.add_argument("journal", type=Path, metavar="JOURNAL", help="of the running engine")
    reload.add_argument("config", type=Path, metavar="CONFIG", help="the file with the new limits")
    word = reload.add_mutually_exclusive_group(required=True)
    word.add_argument("--why", metavar="TEXT", help="the reason, for the journal")
    word.add_argument("--dry", action="store_true", help="show what would change, and change nothing")
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
    _add_kill(commands)


def _add_end(switch) -> None:
    ends = switch.add_mutually_exclusive_group()
    ends.add_argument("--until", type=until.time_of_day, metavar="TIME",
                      help="14:30 or 14:30:00, this machine's local time, today or else tomorrow")  # fmt: skip
    ends.add_argument("--for", type=until.duration_ns, dest="span_ns", metavar="SPAN", help="90s, 10m or 2h from now")


def _add_kill(commands) -> None:
    kill = commands.add_parser("kill", help="stop everything and cancel everything", description=_KILL,
                               epilog=_KILL_ENDS, formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    kill.add_argument("journal", type=Path, metavar="JOURNAL", help="of the running engine")
    kill.add_argument("--why", required=True, metavar="TEXT", help="the reason, for the journal")
    kill.add_argument("--repairs-too", action="store_true", help="no repair either: open deals go to a person")
    kill.add_argument("--wait", type=positive, default=10.0, metavar="SECONDS",
                      help="how long to wait for the venues before the report (default: 10)")  # fmt: skip


def _status(asked) -> int:
    from desk.command import status

    return status(asked.journal)


def _switch(asked) -> int:
    from desk.command import send
    from engine.clock import now_ns

    request = {"command": asked.command, "scope": asked.scope, "why": asked.why}
    if asked.until:
        request["until_ns"] = until.next_ns(asked.until, now_ns())
    elif asked.span_ns:
        request["until_ns"] = now_ns() + asked.span_ns
    return send(asked.journal, request)


def _reload(asked) -> int:
    from desk.command import send

    path = str(asked.config.resolve())
    return send(asked.journal, {"command": "reload", "path": path, "why": asked.why or "", "dry": asked.dry})


def _resolve(asked) -> int:
    from desk.command import send

    request = {"command": "resolve", "deal": asked.id, "decision": asked.decision, "why": asked.why}
    return send(asked.journal, request)


def _kill(asked) -> int:
    from desk.kill import kill

    return kill(asked.journal, asked.why, asked.repairs_too, asked.wait)


DO = {
    "status": _status, "halt": _switch, "reduce": _switch, "resume": _switch, "reload": _reload, "resolve": _resolve,
    "kill": _kill,
}  # fmt: skip
