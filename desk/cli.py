"""The command line: `tandem --help` lists what there is, `tandem COMMAND --help` teaches one."""

import argparse
import os
import signal
import sys
from pathlib import Path

from desk.resolutions import MEANINGS

_COMMANDS = """\
commands:
  demo            two simulated venues, the engine and a live view; ends by itself in a minute
  run CONFIG      the engine alone, on the venues that CONFIG names
  check CONFIG    everything that is wrong with a config, in one go, and the best ratios of its spreads
  venue CONFIG    one simulated venue alone
  watch JOURNAL   the live view of a journal that an engine is writing
  replay JOURNAL  the journal's inputs through the loop again: identical or not, and where not
  report JOURNAL  one self-contained HTML page
  deals JOURNAL   every deal of a journal, a line each
  deal JOURNAL ID one deal explained: decision, orders, fills, repairs, how it ended
  alerts JOURNAL  what a person should know, as a table or as JSON lines
  verify JOURNAL  checks the seals: every block's checksum and the chain over them
  storm [CONFIG]  thousands of deals of a config against venues that misbehave; every breach of an invariant is told

commands to a running engine; your name and the reason, --why, stand in its journal:
  status JOURNAL          what is open or halted, and every switch
  halt JOURNAL SCOPE      nothing new there; repairs of what is open go on
  reduce JOURNAL SCOPE    only what makes a position smaller
  resume JOURNAL SCOPE    as before
  resolve JOURNAL ID      a person's decision on a halted deal: --retry, --accept or --by-hand
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
_STORM = """\
Plays deals of a desk's own config against simulated venues that do whatever venues do: reports lost, late, twice or out
of order; rejects, locks, closes, disconnects, crashes, foreign orders, amended and busted trades. The engine is the
real one; time is virtual, so a deal takes some 20 ms. The config's limits and repair policies hold, its signals are
replaced. Each deal is judged by its journal alone.

  tandem storm                                      the storm's own config, with every policy in it
  tandem storm configs/gold.toml --deals 100000     is my desk's config sound?
  tandem storm --seed 7 --shrink                    the first breach as a short script for a test
"""
_STORM_ENDS = "Exit code 0: no breach, nothing naked; 1: a breach; 2: the config is wrong, or the arguments are."


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tandem", description="Trades spreads across two markets: one book, one decision, both legs, one journal.",
        epilog=_COMMANDS, formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, help="see below")

    demo = commands.add_parser("demo", help="simulated venues, the engine and a live view",
                               description="Runs the main job on this machine. Results: summary.json, report.html and "
                               "journal/ in the output folder, with the processes' logs and configs.")  # fmt: skip
    demo.add_argument("--out", type=Path, default=Path("out/demo"), help="folder for the results (default: out/demo)")
    demo.add_argument("--data", type=Path, help="folder gold_2019 or btc_2024 of recordings to play; else generated")
    demo.add_argument("--seconds", type=_positive, default=45.0, help="how long to trade (default: 45)")
    demo.add_argument("--speed", type=_positive, help="market time over real time (default: the demo's own)")
    demo.add_argument("--seed", type=_count, help="of the generated market and the venues' jitter")
    demo.add_argument("--headless", action="store_true", help="no live view")

    run = commands.add_parser("run", help="the engine on the venues of a config",
                              description="Ctrl-C or SIGTERM: no new risk, cancel, wait, repair, stop. Exit code "
                              "0: flat; 3: not flat, the last line says what is open; 1: not started; "
                              "2: the config is wrong.")  # fmt: skip
    run.add_argument("config", type=Path, metavar="CONFIG")
    run.add_argument("--journal", type=Path, help="folder (default: out/NAME/journal); an old one is continued")
    run.add_argument("--origin-ns", type=int, help=argparse.SUPPRESS)
    run.add_argument("--played", default="", help="what the input is, in words, for the report")

    check = commands.add_parser("check", help="all that is wrong with a config")
    check.add_argument("config", type=Path, metavar="CONFIG")

    venue = commands.add_parser("venue", help="one simulated venue alone")
    venue.add_argument("config", type=Path, metavar="CONFIG")
    venue.add_argument("--origin-ns", type=int, help=argparse.SUPPRESS)

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
    deal.add_argument("id", type=_count, metavar="ID")

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
    storm = commands.add_parser("storm", help="a config against venues that misbehave", description=_STORM,
                                epilog=_STORM_ENDS, formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    storm.add_argument("config", nargs="?", metavar="CONFIG", help="(default: configs/storm/storm.toml)")
    storm.add_argument("--deals", metavar="N", help="how many (default: 5,000)")
    storm.add_argument("--seed", metavar="S", help="the same seed gives the same journals (default: 1)")
    storm.add_argument("--jobs", metavar="J", help="processes side by side (default: one a core)")
    storm.add_argument("--json", metavar="FILE", help="write the figures there, the journals' hash among them")
    storm.add_argument("--shrink", action="store_true", help="shrink the first breach to a short script")
    _add_control(commands)
    return parser


def _add_control(commands) -> None:
    """The commands to a running engine."""
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
    resolve.add_argument("id", type=_count, metavar="ID", help="of the deal, as `tandem deals` lists it")
    decisions = resolve.add_mutually_exclusive_group(required=True)
    for name, meaning in MEANINGS.items():
        decisions.add_argument(f"--{name}", dest="decision", action="store_const", const=name, help=meaning)
    resolve.add_argument("--why", required=True, metavar="TEXT", help="the reason, for the journal")


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < 1e9:
        raise argparse.ArgumentTypeError(f"expected a number above 0, got {text}")
    return value


def _count(text: str) -> int:
    value = int(text)
    if not 0 <= value < 2**63:
        raise argparse.ArgumentTypeError(f"expected a whole number from 0, got {text}")
    return value


def main(arguments: list[str] | None = None) -> int:
    """Run one command; its exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = _parser()
    asked, rest = parser.parse_known_args(arguments)
    if asked.command == "storm":
        asked.storm = arguments[arguments.index("storm") + 1 :]
    elif rest:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    try:
        return _DO[asked.command](asked)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 0


def _demo(asked) -> int:
    from desk.demo import DemoError, Wish, run

    try:
        return run(Wish(asked.out, asked.data, asked.seconds, asked.speed, asked.seed, asked.headless))
    except DemoError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 2


def _run(asked) -> int:
    # A signal that comes while the engine is still being made is kept: it starts, looks, and stops in order.
    signals: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, frame: signals.append(number))
    from desk.run import Setup, main
    from engine.clock import now_ns

    checked = _checked(asked.config)
    if checked is None:
        return 2
    folder = asked.journal or Path("out") / checked.config.engine.name / "journal"
    origin_ns, played = asked.origin_ns or now_ns(), asked.played or f"live, {asked.config.name}"
    return main(Setup(asked.config, checked.config, checked.calendars, folder, origin_ns, played), signals)


def _checked(path: Path):
    """The check of a file that has no problem; else its problems are printed, and None."""
    from desk.check import check, render

    result = check(path)
    if result.config is None:
        print(render(result), file=sys.stderr)
        return None
    return result


def _check(asked) -> int:
    from desk.check import check, render

    result = check(asked.config)
    print(render(result))
    return 0 if result.config is not None else 2


def _venue(asked) -> int:
    from desk.venue import main

    return main(asked.config, asked.origin_ns)


def _watch(asked) -> int:
    from desk.console import watch

    return _on_journal(asked.journal, lambda: watch(asked.journal) and 0)


def _replay(asked) -> int:
    from desk.replay import main

    return _on_journal(asked.journal, lambda: main(asked.journal))


def _report(asked) -> int:
    from desk.report import write_report

    out = asked.out or asked.journal.resolve().parent / "report.html"

    def work() -> int:
        write_report(asked.journal, out)
        print(out)
        return 0

    return _on_journal(asked.journal, work)


def _deals(asked) -> int:
    from desk.deals import list_deals

    return _on_journal(asked.journal, lambda: list_deals(asked.journal, asked.open))


def _deal(asked) -> int:
    from desk.deals import explain_deal

    return _on_journal(asked.journal, lambda: explain_deal(asked.journal, asked.id))


def _alerts(asked) -> int:
    from desk.alerts import AlertHooks, forward, main

    if not asked.forward:
        return _on_journal(asked.journal, lambda: main(asked.journal, asked.level, asked.json))
    checked = _checked(asked.forward)
    if checked is None:
        return 2
    hooks = AlertHooks(checked.config.hooks)
    parent = os.getppid()
    # Until whoever started it has ended; what is in the journal by then is still sent.
    ended = lambda: os.getppid() != parent
    return _on_journal(asked.journal, lambda: forward(asked.journal, hooks, ended, asked.after_seq) and 0)


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

    return _on_journal(asked.journal, work)


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


def _storm(asked) -> int:
    """In a process of its own, and with its own reading of the arguments: the storm is a bench, no part of the desk."""
    import subprocess

    return subprocess.run([sys.executable, "-m", "bench.storm", *asked.storm], check=False).returncode


def _on_journal(folder: Path, work) -> int:
    """Do something with a journal; 2 and one line where the folder holds none or a damaged one."""
    from engine.layout import Damaged

    if not folder.is_dir():
        print(f"{folder}: expected the folder of a journal, found none", file=sys.stderr)
        return 2
    try:
        return work()
    except (Damaged, ValueError) as error:
        print(error, file=sys.stderr)
        return 2


_DO = {
    "demo": _demo, "run": _run, "check": _check, "venue": _venue, "watch": _watch, "replay": _replay,
    "report": _report, "alerts": _alerts, "deals": _deals, "deal": _deal, "verify": _verify,
    "status": _status, "halt": _switch, "reduce": _switch, "resume": _switch, "resolve": _resolve, "storm": _storm,
}  # fmt: skip

if __name__ == "__main__":
    sys.exit(main())
