"""The engine's core: the engine keeps to it, its helpers keep off it, those that are started later too."""

import json
import os
import subprocess
import sys

import pytest

from engine.cores import cores
from tests.world import ROOT

pytestmark = pytest.mark.skipif(len(cores()) < 2, reason="two cores or more")
_ENGINE = """
import json, os, subprocess, sys
from engine.cores import keep_to
helper = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
keep_to(int(sys.argv[1]), helper.pid)
later = subprocess.run([sys.executable, "-c", "import os; from engine.cores import keep_off; keep_off(); "
                        "print(sorted(os.sched_getaffinity(0)))"], capture_output=True, text=True, check=True)
print(json.dumps([sorted(os.sched_getaffinity(0)), sorted(os.sched_getaffinity(helper.pid)), json.loads(later.stdout)]))
helper.communicate(b"\\n")
"""


def _kept(core: int) -> list[list[int]]:
    ran = subprocess.run(
        [sys.executable, "-c", _ENGINE, str(core)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return json.loads(ran.stdout)


def test_an_engine_keeps_to_its_core_and_helpers_keep_off_it():
    allowed = sorted(os.sched_getaffinity(0))
    assert _kept(allowed[0]) == [allowed[:1], allowed[1:], allowed[1:]]


def test_without_a_stated_core_nothing_is_bound():
    allowed = sorted(os.sched_getaffinity(0))
    assert _kept(-1) == [allowed] * 3
