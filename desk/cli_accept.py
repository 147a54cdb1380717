"""`tandem accept` on the command line."""

import argparse
import sys
from pathlib import Path

from desk.cli_parts import count, positive

_ABOUT = """\
Runs a desk's acceptance in one go and writes one page, with a JSON and the evidence beside it. Nothing is left out
because something else has failed:

  check     all that is wrong with the config
  joint     the engine against the venues that the config names, for --seconds: every link READY, snapshots and quotes
            there, nothing misunderstood, the journal whole, the replay identical, the end flat
  kill      `tandem kill` at the end of it: what became of every order, and how fast each venue answered
  storm     --deals deals of the config against venues that misbehave: no breach, nothing naked
  latency   the hot path and the gate on this machine, shown and not judged

The joint test sends real orders to the venues of the config. Where those are simulated ones of this project that lie
beside it (as in configs/demo/generated), they are started here.
"""
_ENDS = """\
Exit code 0: every step passed; 1: one failed; 3: none failed, and yet one was skipped; 2: it could not begin.
"""


def add(commands) -> None:
    accept = commands.add_parser("accept", help="a desk's acceptance in one go", description=_ABOUT, epilog=_ENDS,
                                 formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    accept.add_argument("config", type=Path, metavar="CONFIG")
    accept.add_argument("--out", type=Path, metavar="FILE", help="the page (default: a dated one in out/accept)")
    accept.add_argument("--seconds", type=positive, default=20.0, metavar="N", help="of the joint test (default: 20)")
    accept.add_argument("--deals", type=count, default=300, metavar="N", help="of the storm (default: 300)")
    accept.add_argument("--rounds", type=count, default=0, metavar="N", help="of the benches (default: their own)")
    accept.add_argument("--with-sim", action="store_true", help="start the simulated venues that lie beside CONFIG")


def _accept(asked) -> int:
    from desk.accept import AcceptError, Wish, run

    try:
        return run(Wish(asked.config, asked.out, asked.seconds, max(asked.deals, 1), asked.with_sim, asked.rounds))
    except AcceptError as error:
        print(f"accept: {error}", file=sys.stderr)
        return 2


DO = {"accept": _accept}
