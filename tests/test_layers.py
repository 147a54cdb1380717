"""The rules of ARCHITECTURE.md that source text can break, read from the source."""

import ast
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from riskgate.gate import REPAIR_SEQUENCE, SEQUENCE

ROOT = Path(__file__).parent.parent
ROOMS = ("engine", "adapters", "riskgate", "strategies", "desk", "bench", "tests")
HOUSE = ROOMS[:5]
# What each room may import, beside itself.
MAY_IMPORT = {
    "engine": set(), "adapters": {"engine"}, "riskgate": {"engine"}, "strategies": {"engine"},
    "desk": {"engine", "adapters", "riskgate", "strategies"}, "bench": set(ROOMS), "tests": set(ROOMS),
}  # fmt: skip
PROTOCOLS = ("diff", "fix44")
MAX_LINES = 400
CLOCK_FILES = {"engine/clock.py", "engine/memory.py"}
OS_CLOCKS = {
    "time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "process_time",
    "process_time_ns", "clock_gettime", "clock_gettime_ns",
}  # fmt: skip


def files(*rooms: str) -> list[str]:
    return [str(path.relative_to(ROOT)) for room in rooms for path in sorted((ROOT / room).rglob("*.py"))]


@cache
def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@cache
def tree_of(name: str) -> ast.Module:
    return ast.parse(text_of(name), name)


def module_of(name: str) -> str:
    return name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


MODULES = {module_of(name) for name in files(*ROOMS)}


def imports_of(node: ast.AST, here: str) -> set[str]:
    """Our modules that any import below this node names, those under TYPE_CHECKING and in functions too."""
    found = set()
    for one in ast.walk(node):
        if isinstance(one, ast.Import):
            found |= {alias.name for alias in one.names}
        elif isinstance(one, ast.ImportFrom):
            assert one.level == 0, f"{here}:{one.lineno} imports relatively"
            whole = {f"{one.module}.{alias.name}" for alias in one.names}
            found |= (whole & MODULES) or {one.module}
    return {name for name in found if name.split(".")[0] in ROOMS}


def hot_files() -> list[str]:
    return [name for name in files(*HOUSE) if "engine.jit import" in text_of(name)]


@pytest.mark.parametrize("room", HOUSE)
def test_a_room_imports_only_what_the_house_allows(room):
    allowed = MAY_IMPORT[room] | {room}
    wrong = [
        f"{name} imports {module}"
        for name in files(room)
        for module in imports_of(tree_of(name), name)
        if module.split(".")[0] not in allowed
    ]
    assert wrong == []


def test_the_table_of_the_house_is_the_one_tested_here():
    rows = dict(re.findall(r"^\| `(\w+)/` \| ([^|]+) \|", text_of("ARCHITECTURE.md"), re.MULTILINE))
    assert rows["engine"] == "nothing of ours"
    assert rows["desk"] == "all of the above"
    for room in ("adapters", "riskgate", "strategies"):
        assert set(re.findall(r"`(\w+)`", rows[room])) == MAY_IMPORT[room]


@pytest.mark.parametrize("folder", [*PROTOCOLS, "sim", "recorded"])
def test_adapters_know_the_shared_pages_and_themselves(folder):
    """Protocols never each other nor the exchanges behind them; the exchanges no protocol."""
    siblings = {"diff": set(), "fix44": set(), "sim": {"recorded"}, "recorded": {"sim"}}[folder]
    shared = {module for module in MODULES if module.startswith("adapters.") and module.count(".") == 1}
    shared -= {f"adapters.{name}" for name in (*PROTOCOLS, "sim", "recorded")}
    wrong = []
    for name in files(f"adapters/{folder}"):
        for module in imports_of(tree_of(name), name):
            own = module.startswith("adapters.") and module.split(".")[1] in siblings | {folder}
            if not (module.startswith("engine") or module in shared or own):
                wrong.append(f"{name} imports {module}")
    assert wrong == []


def test_no_imports_go_round():
    graph = {module_of(name): imports_of(tree_of(name), name) & MODULES for name in files(*HOUSE)}
    done: set[str] = set()

    def walk(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " -> ".join((*path[path.index(module) :], module))
        if module not in done:
            for other in sorted(graph.get(module, ()) - {module}):
                walk(other, (*path, module))
            done.add(module)

    for module in sorted(graph):
        walk(module, ())


@pytest.mark.parametrize("name", hot_files())
def test_hot_files_hold_nothing_that_waits_logs_or_rounds_differently(name):
    if name == "engine/jit.py":
        return
    banned_modules = {"asyncio", "logging", "structlog", "datetime", "random", "secrets", "uuid", "threading"}
    if name not in CLOCK_FILES:
        banned_modules |= {"time"}
    wrong = []
    for node in ast.walk(tree_of(name)):
        match node:
            case ast.AsyncFunctionDef() | ast.Await() | ast.AsyncFor() | ast.AsyncWith():
                wrong.append((node.lineno, "async"))
            case ast.Import(names=names):
                wrong += [(node.lineno, one.name) for one in names if one.name.split(".")[0] in banned_modules]
            case ast.ImportFrom(module=module) if module.split(".")[0] in banned_modules:
                wrong.append((node.lineno, module))
            case ast.Attribute(value=ast.Name(id="np"), attr="sum" | "std" | "var" | "mean" | "dot" | "random"):
                wrong.append((node.lineno, f"np.{node.attr}"))
            case ast.keyword(arg="fastmath" | "parallel"):
                wrong.append((node.value.lineno, node.arg))
            case ast.BinOp(op=ast.Pow(), left=left, right=right) if not is_number(left, right):
                wrong.append((node.lineno, "**"))
    assert wrong == []


def is_number(*nodes: ast.AST) -> bool:
    """A power of two literals, such as 2**62, is a number that Python folds and no computation."""
    return all(isinstance(node, ast.Constant) and isinstance(node.value, int) for node in nodes)


def test_one_njit_without_fastmath_compiles_everything():
    calls = [
        (name, node)
        for name in files(*HOUSE)
        for node in ast.walk(tree_of(name))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("numba.njit", "numba.jit")
    ]
    assert [name for name, _ in calls] == ["engine/jit.py"]
    assert {one.arg for one in calls[0][1].keywords} == {"cache", "error_model"}


def test_only_the_clock_asks_the_time():
    wrong = []
    for name in files(*HOUSE):
        if name in CLOCK_FILES:
            continue
        for node in ast.walk(tree_of(name)):
            match node:
                case ast.Attribute(value=ast.Name(id="time"), attr=attr) if attr in OS_CLOCKS:
                    wrong.append(f"{name}:{node.lineno} time.{attr}")
                case ast.ImportFrom(module="time", names=names) if {one.name for one in names} & OS_CLOCKS:
                    wrong.append(f"{name}:{node.lineno} from time")
                case ast.Attribute(attr="utcnow" | "today") | ast.Call(func=ast.Attribute(attr="now")):
                    wrong.append(f"{name}:{node.lineno} {ast.unparse(node)}")
    assert wrong == []


def test_no_file_is_too_long():
    long = {name: len(text_of(name).splitlines()) for name in files(*ROOMS)}
    assert {name: lines for name, lines in long.items() if lines > MAX_LINES} == {}


def targets_of(node: ast.AST) -> list[tuple[ast.AST, ast.AST | None]]:
    """(target, value) of each assignment; the value is None where a tuple or an operator hides it."""
    if isinstance(node, ast.Assign):
        pairs = []
        for target in node.targets:
            whole = not isinstance(target, ast.Tuple)
            pairs += [(target, node.value)] if whole else [(one, None) for one in target.elts]
        return pairs
    if isinstance(node, (ast.AugAssign, ast.AnnAssign)):
        return [(node.target, None)]
    return []


def test_only_the_gate_clears():
    """`cleared` of a verdict is set in the gate alone; elsewhere it may only be reset. A head's count is not it."""
    setters = set()
    for name in files(*HOUSE):
        for node in ast.walk(tree_of(name)):
            for target, value in targets_of(node):
                field = target.attr if isinstance(target, ast.Attribute) else None
                if isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant):
                    field = target.slice.value
                if field != "cleared" or ast.unparse(target.value) in ("head", "self"):
                    continue
                if not (isinstance(value, ast.Constant) and value.value == 0):
                    setters.add(name)
    assert setters == {"riskgate/gate.py"}


def numbers_of_controls() -> dict[str, int]:
    """Number of each control function, from the start of its docstring: {"market.session": 23}."""
    found = {}
    for name in files("riskgate"):
        if name.endswith("_controls.py"):
            for node in tree_of(name).body:
                number = re.match(r"(\d+): ", ast.get_docstring(node) or "") if is_function(node) else None
                if number:
                    found[f"{Path(name).stem.removesuffix('_controls')}.{node.name}"] = int(number[1])
    return found


def is_function(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef)


@pytest.mark.parametrize(("function", "sequence"), [("_check_all", SEQUENCE), ("_check_repair", REPAIR_SEQUENCE)])
def test_the_gates_visible_sequence_is_the_one_it_runs(function, sequence):
    numbers = numbers_of_controls()
    body = next(node for node in tree_of("riskgate/gate.py").body if is_function(node) and node.name == function).body
    calls = [ast.unparse(line.value.func) for line in body if isinstance(line, ast.Expr)]
    assert len(calls) == len(body)
    assert tuple(numbers[call] for call in calls) == sequence


def test_every_control_is_in_the_sequence():
    assert sorted(numbers_of_controls().values()) == sorted(SEQUENCE)


def fixed_path(disable_jit: str) -> list[str]:
    """What tests.fixed_path prints in a process of its own."""
    environment = os.environ | {"NUMBA_DISABLE_JIT": disable_jit}
    command = [sys.executable, "-m", "tests.fixed_path"]
    return subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True).stdout.split()


@pytest.mark.slow
def test_compiled_and_plain_python_make_the_same_bytes():
    compiled, plain = fixed_path("0"), fixed_path("1")
    assert compiled == plain
    assert all(int(count) > 20 for count in compiled[compiled.index("counts") + 1 :])
