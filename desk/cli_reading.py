"""The commands that read a journal: their help, their arguments, and what each does."""

import argparse
import os
from pathlib import Path

from desk.cli_parts import checked, count, on_journal, some

HELP = """\
commands that read a journal, whether an engine is writing it or not:
  watch JOURNAL   the live view of a journal that an engine is writing
  replay JOURNAL  the journal's inputs through the loop again: identical or not, and where not
  report JOURNAL  one self-contained HTML page
  deals JOURNAL   every deal of a journal, a line each
  deal JOURNAL ID one deal explained: decision, orders, fills, repairs, how it ended
  why JOURNAL DECISION    one decision, its verdict, and what each control of the gate saw
  why-not JOURNAL SPREAD  what kept a spread's strategies from trading, second by second
  quotas JOURNAL  the day's quotas: used, kept for repairs, left
  alerts JOURNAL  what a person should know, as a table or as JSON lines
  verify JOURNAL  checks the seals: every block's checksum and the chain over them
"""
_WHY_NOT = """\
For each second and each strategy of a spread: the condition that held longest, or the gate's verdict where there was
one. Numbers are those told last: the engine tells a reason where it changes, and once in ten seconds.

TIME is market time in UTC, as every page shows it:
  01:20:00                     of the latest day on which the journal holds it; with a fraction too
  2026-11-18T01:20:00          of that day; +08:00 behind it says another zone
  1800000012000000000          a record's own time, now_ns
"""


def add(commands) -> None:
    """Their parsers."""
    watch = commands.add_parser("watch", help="the live view of a journal")
    watch.add_argument("journal", type=Path, metavar="JOURNAL")

    replay = commands.add_parser("replay", help="replay a journal and compare")
    replay.add_argument("journal", type=Path, metavar="JOURNAL")

    report = commands.add_parser("report", help="a journal as one HTML page")
    report.add_argument("journal", type=Path, metavar="JOURNAL")
    report.add_argument("--out", type=Path, help="file (default: report.html beside the journal)")

    deals = commands.add_parser("deals", help="the deals of a journal, a line each",
                                description="Exit code 1 where a deal is open or halted.")  # fmt: skip
    deals.add_argument("journal", type=Path, metavar="JOURNAL")
    deals.add_argument("--open", action="store_true", help="only those that are open or halted")

    deal = commands.add_parser("deal", help="one deal explained on a page")
    deal.add_argument("journal", type=Path, metavar="JOURNAL")
    deal.add_argument("id", type=count, metavar="ID")

    why = commands.add_parser("why", help="one decision, and what the gate saw",
                              description="Exit code 2 where the journal holds no such decision.")  # fmt: skip
    why.add_argument("journal", type=Path, metavar="JOURNAL")
    why.add_argument("decision", type=count, metavar="DECISION")

    why_not = commands.add_parser("why-not", help="why a spread was not traded at a time", description=_WHY_NOT,
                                  formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    why_not.add_argument("journal", type=Path, metavar="JOURNAL")
    why_not.add_argument("spread", metavar="SPREAD")
    why_not.add_argument("--at", required=True, metavar="TIME", help="the middle of what is told")
    why_not.add_argument("--seconds", type=some, default=10, metavar="N", help="how many, of market time (default: 10)")

    quotas = commands.add_parser("quotas", help="what is left of the trading day's quotas")
    quotas.add_argument("journal", type=Path, metavar="JOURNAL")

    alerts = commands.add_parser("alerts", help="the alerts of a journal")
    alerts.add_argument("journal", type=Path, metavar="JOURNAL")
    alerts.add_argument("--level", choices=("info", "warn", "error"), default="info", help="the least level shown")
    alerts.add_argument("--json", action="store_true", help="one JSON object a line")
    alerts.add_argument(
        "--forward", type=Path, metavar="CONFIG", help="send them on to the config's hooks, until ended"
    )
    alerts.add_argument("--after-seq", type=int, default=0, help=argparse.SUPPRESS)

    verify = commands.add_parser("verify", help="check a journal's seals")
    verify.add_argument("journal", type=Path, metavar="JOURNAL")


def _watch(asked) -> int:
    from desk.console import watch

    return on_journal(asked.journal, lambda: watch(asked.journal) and 0)


def _replay(asked) -> int:
    from desk.replay import main

    return on_journal(asked.journal, lambda: main(asked.journal))


def _report(asked) -> int:
    from desk.report import write_report

    out = asked.out or asked.journal.resolve().parent / "report.html"

    def work() -> int:
        write_report(asked.journal, out)
        print(out)
        return 0

    return on_journal(asked.journal, work)


def _deals(asked) -> int:
    from desk.deals import list_deals

    return on_journal(asked.journal, lambda: list_deals(asked.journal, asked.open))


def _deal(asked) -> int:
    from desk.deals import explain_deal

    return on_journal(asked.journal, lambda: explain_deal(asked.journal, asked.id))


def _why(asked) -> int:
    from desk.why import explain_decision

    return on_journal(asked.journal, lambda: explain_decision(asked.journal, asked.decision))


def _why_not(asked) -> int:
    from desk.why_not import explain_silence

    return on_journal(asked.journal, lambda: explain_silence(asked.journal, asked.spread, asked.at, asked.seconds))


def _quotas(asked) -> int:
    from desk.quotas import show_quotas

    return on_journal(asked.journal, lambda: show_quotas(asked.journal))


def _alerts(asked) -> int:
    from desk.alerts import AlertHooks, forward, main

    if not asked.forward:
        return on_journal(asked.journal, lambda: main(asked.journal, asked.level, asked.json))
    found = checked(asked.forward)
    if found is None:
        return 2
    hooks = AlertHooks(found.config.hooks)
    parent = os.getppid()
    # Until whoever started it has ended; what is in the journal by then is still sent.
    ended = lambda: os.getppid() != parent
    return on_journal(asked.journal, lambda: forward(asked.journal, hooks, ended, asked.after_seq) and 0)


def _verify(asked) -> int:
    from engine.verify import verify

    def work() -> int:
        verdict = verify(asked.journal)
        print(f"{verdict.records:,} records in {verdict.segments} segments, sealed to record {verdict.sealed_seq:,}, "
              f"{verdict.ended}; torn {verdict.torn_bytes} bytes, unsealed {verdict.unsealed_bytes} bytes")  # fmt: skip
        for problem in verdict.problems:
            print(f"problem: {problem}")
        print("whole" if verdict.whole else f"NOT WHOLE: {len(verdict.problems)} problems")
        return 0 if verdict.whole else 1

    return on_journal(asked.journal, work)


DO = {
    "watch": _watch, "replay": _replay, "report": _report, "alerts": _alerts, "deals": _deals, "deal": _deal,
    "verify": _verify, "why": _why, "why-not": _why_not, "quotas": _quotas,
}  # fmt: skip
