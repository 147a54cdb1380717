"""`tandem sweep` on the command line: its help, its arguments."""

import argparse
from pathlib import Path

from desk.cli_parts import checked, count, some

HELP = """\
  sweep CONFIG    a strategy's parameters over recorded days, on all cores: what each set would have made"""
_TEXT = """\
Plays recorded days to every parameter set of a strategy at once. Book, prices and signals are the live engine's own
compiled code, so a set decides what `tandem replay` of such a day would decide. The venues are simulated: each leg goes
out IOC at its limit, arrives --latency-ms later, trades at the touch shown then up to the lots shown, and the answer
takes as long again. A deal that fills in part is then finished or undone, whichever costs less.

Not simulated: the gate is not asked (what it Denied in a recording is counted and told), other strategies of the config
and people's commands are left out, and our orders move no price. docs/sweep.md has all of it.

  tandem sweep out/demo/config/engine.toml --strategy gold_spread --data out/demo/journal --out out/sweep \\
      --grid strategy.entry=0.3:0.9:0.1 --grid strategy.exit=0.05,0.1

tries 7 x 2 sets. A grid is FROM:TO:STEP, TO included, or A,B,C. DATA is a journal's folder, or a recording that the
config's venue files (VENUE.toml beside CONFIG) play; several are days that follow one another. The same grid over the
same data gives the same files, byte for byte, on however many cores or machines.
"""
_ENDS = "Exit code 0: done; 2: the config, the grid, the data or the workers are not what they must be."


def add(commands) -> None:
    sweep = commands.add_parser("sweep", help="a strategy's parameters over recorded days", description=_TEXT,
                                epilog=_ENDS, formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    sweep.add_argument("config", type=Path, metavar="CONFIG")
    sweep.add_argument("--grid", action="append", required=True, metavar="strategy.NAME=VALUES",
                       help="a parameter and its values; once for each parameter")  # fmt: skip
    sweep.add_argument("--data", type=Path, action="append", metavar="DATA",
                       help="a journal or a recording; once a day (default: out/NAME/journal)")  # fmt: skip
    sweep.add_argument("--strategy", metavar="ID", help="which strategy, where the config has several")
    sweep.add_argument("--latency-ms", action="append", default=[], metavar="[VENUE=]MS",
                       help="one way, of one venue or of all (default: 5)")  # fmt: skip
    sweep.add_argument("--repair-ticks", type=count, default=1, metavar="N",
                       help="how much worse than the touch repairs trade (default: 1)")  # fmt: skip
    sweep.add_argument("--jobs", type=some, metavar="N", help="processes (default: one a core)")
    sweep.add_argument("--dask", metavar="ADDRESS", help="a running Dask scheduler, such as tcp://10.0.0.5:8786")
    sweep.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="for results.json, .csv and .svg")


def _sweep(asked) -> int:
    from desk.sweep import Wish, main

    found = checked(asked.config)
    if found is None:
        return 2
    data = asked.data or [Path("out") / found.config.engine.name / "journal"]
    wish = Wish(asked.config, asked.grid, data, asked.out, asked.strategy, asked.latency_ms, asked.repair_ticks,
                asked.jobs, asked.dask)  # fmt: skip
    return main(wish, found)


DO = {"sweep": _sweep}
