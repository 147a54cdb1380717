"""What both of vnpy's processes need before anything else: a folder of its own, its event engine without threads, and
its risk manager's rules at limits that are asked each time and never reached. Imported before vnpy itself."""

import os
import sys
import tempfile
from pathlib import Path

# vnpy keeps its settings and logs in the folder where it finds this one when it is imported.
_FOLDER = tempfile.TemporaryDirectory(prefix="vnpy-peer-")
Path(_FOLDER.name, ".vntrader").mkdir()
os.chdir(_FOLDER.name)

from vnpy.event import EventEngine  # noqa: E402
from vnpy.trader.setting import SETTINGS  # noqa: E402

SETTINGS["log.active"] = False
_GENEROUS = 1_000_000_000


class Still(EventEngine):
    """Without its two threads: what they would do is done where it is asked for."""

    def start(self) -> None:
        pass

    def stop(self) -> None:
        pass

    def drain(self) -> None:
        while not self._queue.empty():
            self._process(self._queue.get_nowait())


def widen(rule: object) -> None:
    rule.update_setting({name: _GENEROUS for name in rule.parameters} | {"active": True})


def compiled(rule: object) -> bool:
    """pip builds the rules with Cython where it can."""
    return not sys.modules[type(rule).__module__].__file__.endswith(".py")
