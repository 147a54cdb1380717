"""The command line: `tandem --help` lists what there is, `tandem COMMAND --help` teaches one.

Here are the commands that start something; `cli_reading` has those that read a journal, `cli_control` those that go to
a running engine.
"""

import argparse
import gc
import signal
import sys
from pathlib import Path

from desk import cli_accept, cli_control, cli_reading, cli_sweep
from desk.cli_parts import checked, count, positive

_COMMANDS = """\
commands:
  demo            two simulated venues, the engine and a live view; ends by itself in a minute
  run CONFIG      the engine alone, on the venues that CONFIG names
  check CONFIG    everything that is wrong with a config, in one go, and the best ratios of its spreads
  venue CONFIG    one simulated venue alone
  storm [CONFIG]  thousands of deals of a config against venues that misbehave; every breach of an invariant is told
  bench [NAME]    what the hot path costs on this machine, beside a floor of the same run; --list names the benches
  accept CONFIG   a desk's acceptance in one go: check, joint test, kill drill, storm, latency; one page
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
_BENCHES = {"storm": "bench.storm", "bench": "bench"}  # command -> module
_STORM_ENDS = "Exit code 0: no breach, nothing naked; 1: a breach; 2: the config is wrong, or the arguments are."


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tandem", description="Trades spreads across two markets: one book, one decision, both legs, one journal.",
        epilog="\n".join((_COMMANDS + cli_sweep.HELP + "\n", cli_reading.HELP, cli_control.HELP)),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, help="see below")

    demo = commands.add_parser("demo", help="simulated venues, the engine and a live view",
                               description="Runs the main job on this machine. Results: summary.json, report.html and "
                               "journal/ in the output folder, with the processes' logs and configs.")  # fmt: skip
    demo.add_argument("--out", type=Path, default=Path("out/demo"), help="folder for the results (default: out/demo)")
    demo.add_argument("--data", type=Path, help="folder gold_2019 or btc_2024 of recordings to play; else generated")
    demo.add_argument("--seconds", type=positive, default=45.0, help="how long to trade (default: 45)")
    demo.add_argument("--speed", type=positive, help="market time over real time (default: the demo's own)")
    demo.add_argument("--seed", type=count, help="of the generated market and the venues' jitter")
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

    cli_reading.add(commands)

    storm = commands.add_parser("storm", help="a config against venues that misbehave", description=_STORM,
                                epilog=_STORM_ENDS, formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    storm.add_argument("config", nargs="?", metavar="CONFIG", help="(default: configs/storm/storm.toml)")
    storm.add_argument("--deals", metavar="N", help="how many (default: 5,000)")
    storm.add_argument("--seed", metavar="S", help="the same seed gives the same journals (default: 1)")
    storm.add_argument("--jobs", metavar="J", help="processes side by side (default: one a core)")
    storm.add_argument("--json", metavar="FILE", help="write the figures there, the journals' hash among them")
    storm.add_argument("--shrink", action="store_true", help="shrink the first breach to a short script")
    bench = commands.add_parser("bench", help="costs of the hot path, beside a floor of the same run",
                                description="Exit code 0: all figures stand; 1: one was refused, because its work was "
                                "wrong; 2: the arguments are.")  # fmt: skip
    bench.add_argument("names", nargs="*", metavar="NAME", help="(default: all; --list says what each measures)")
    bench.add_argument("--list", action="store_true", help="what each bench measures, in a line")
    bench.add_argument("--json", metavar="FILE", help="write the figures there, flat, with their details")
    bench.add_argument("--rounds", metavar="N", help="rounds of each bench (default: its own)")
    cli_sweep.add(commands)
    cli_accept.add(commands)
    cli_control.add(commands)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run one command; its exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = _parser()
    asked, rest = parser.parse_known_args(arguments)
    if asked.command in _BENCHES:
        asked.handed_on = arguments[arguments.index(asked.command) + 1 :]
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
    gc.disable()  # nothing of a start is garbage yet; the run collects once when it is up, and then as it says
    # A signal that comes while the engine is still being made is kept: it starts, looks, and stops in order.
    signals: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, frame: signals.append(number))
    from desk.run import Setup, main
    from engine.clock import now_ns

    found = checked(asked.config)
    if found is None:
        return 2
    folder = asked.journal or Path("out") / found.config.engine.name / "journal"
    origin_ns, played = asked.origin_ns or now_ns(), asked.played or f"live, {asked.config.name}"
    return main(Setup(asked.config, found.config, found.calendars, folder, origin_ns, played), signals)


def _check(asked) -> int:
    from desk.check import check, render

    result = check(asked.config)
    print(render(result))
    return 0 if result.config is not None else 2


def _venue(asked) -> int:
    from desk.venue import main

    return main(asked.config, asked.origin_ns)


def _bench(asked) -> int:
    """In a process of its own, and with its own reading of the arguments: benches are no part of the desk."""
    import subprocess

    return subprocess.run([sys.executable, "-m", _BENCHES[asked.command], *asked.handed_on], check=False).returncode


_DO = {
    "demo": _demo, "run": _run, "check": _check, "venue": _venue, "storm": _bench, "bench": _bench,
    **cli_sweep.DO, **cli_accept.DO, **cli_reading.DO, **cli_control.DO,
}  # fmt: skip

if __name__ == "__main__":
    sys.exit(main())
