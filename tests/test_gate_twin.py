"""The gate against its slow, plain twin on seeded random states and decisions.

TANDEM_TWIN_STATES and TANDEM_TWIN_SEED: how many, and which.
"""

import os

import pytest

from engine.records import OFF
from riskgate.gate import REPAIR_SEQUENCE, SEQUENCE
from tests import twin_gate
from tests.gate_shaker import Shaker
from tests.gate_world import NOW_NS, judge, slot

pytestmark = pytest.mark.slow

STATES = int(os.environ.get("TANDEM_TWIN_STATES", 8_000))
SEED = int(os.environ.get("TANDEM_TWIN_SEED", 20_261_122))


def test_the_twin_knows_the_same_sequences():
    assert (twin_gate.ALL, twin_gate.REPAIRS) == (SEQUENCE, REPAIR_SEQUENCE)


def test_the_gate_and_its_twin_agree_on_every_state():
    shaker, cleared, reasons = Shaker(SEED), 0, set()
    for number in range(STATES):
        shaker.shake()
        passes, reason, looks = twin_gate.judge(shaker.state, NOW_NS)
        verdict = judge(shaker.state)
        assert passes or not verdict["cleared"], f"state {number}: cleared what the twin denies by {reason}"
        assert (bool(verdict["cleared"]), int(verdict["reason"])) == (passes, reason), f"state {number}"
        found = {at: slot(verdict, at) for at in range(1, 29) if verdict["level"][at - 1] != OFF}
        assert found == looks, f"state {number}"
        cleared += passes
        reasons.add(reason)
    # The states must be worth the name: a fair part clears, and every control is a reason somewhere.
    assert STATES // 10 < cleared < STATES
    assert reasons - {0} == set(SEQUENCE)
