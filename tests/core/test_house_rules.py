"""The house rules: what may import what, and how long a file may be. Read from the source, not from a running gate."""

import ast
from functools import cache
from pathlib import Path

import pytest

import validator
from validator.reasons import ADVICE, Reason

HOUSE = Path(validator.__file__).parent
MODULES = {
    ".".join(("validator", *path.relative_to(HOUSE).with_suffix("").parts)).removesuffix(".__init__"): path
    for path in HOUSE.rglob("*.py")
}
WORLD = {
    "boto3",
    "botocore",
    "http",
    "os",
    "random",
    "secrets",
    "socket",
    "subprocess",
    "time",
    "urllib",
    "urllib3",
}
PURE = [
    "smoke.attempts",
    "smoke.judge",
    "decision",
    "durations",
    "finding",
    "memory",
    "plan",
    "reasons",
    "rules",
    "state",
    "timing",
]


def is_for_types(node):
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def nodes_of(tree, *, types):
    """Every node; without those that only a type checker sees unless `types`."""
    for node in ast.iter_child_nodes(tree):
        if is_for_types(node) and not types:
            yield from (found for part in node.orelse for found in (part, *nodes_of(part, types=types)))
            continue
        yield node
        yield from nodes_of(node, types=types)


@cache
def imports_of(name, *, types=True):
    """The names that a module imports, with whole paths: both `a.b` and `a.b.C` for `from a.b import C`."""
    path = MODULES[name]
    found = set()
    for node in nodes_of(ast.parse(path.read_text(encoding="utf-8")), types=types):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively: say where from"
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return frozenset(found)


def reached_by(name):
    """Every name that is imported when `name` is, through the whole house."""
    seen, found, todo = set(), set(), [name]
    while todo:
        module = todo.pop()
        if module in seen:
            continue
        seen.add(module)
        names = imports_of(module, types=False)
        found |= names
        todo += [one for one in names if one in MODULES]
    return found


def inside(names, *rooms):
    """Those of `names` that are one of the rooms or lie in one."""
    return {name for name in names if any(name == room or name.startswith(f"{room}.") for room in rooms)}


def in_room(room):
    return sorted(inside(MODULES, f"validator.{room}"))


def test_the_walk_sees_imports_at_all():
    assert "validator.finding.Finding" in imports_of("validator.decision")
    assert "botocore" in {name.split(".")[0] for name in reached_by("validator.transport.invoke_rest_api")}
    assert "validator.rules.Rules" in imports_of("validator.decision")
    assert "validator.rules.Rules" not in imports_of("validator.decision", types=False)


@pytest.mark.parametrize("module", in_room("checks"))
def test_checks_import_neither_transport_nor_report(module):
    allowed = inside(imports_of(module), "validator.transport.interface") | {"validator.transport.interface"}

    assert inside(imports_of(module), "validator.transport", "validator.report") <= allowed


@pytest.mark.parametrize("module", in_room("checks"))
def test_a_check_reaches_neither_transport_nor_report_through_others(module):
    found = inside(reached_by(module), "validator.transport", "validator.report")

    assert inside(found, "validator.transport.interface") == found


@pytest.mark.parametrize("module", in_room("report"))
def test_a_report_sees_only_the_finished_report(module):
    rooms = ("airflow", "checks", "transport", "gate", "decision", "state", "manifest")

    assert not inside(imports_of(module), *(f"validator.{room}" for room in rooms))


@pytest.mark.parametrize("module", sorted(MODULES))
def test_nothing_imports_the_command_line_but_itself_and_main(module):
    if module == "validator.__main__" or inside({module}, "validator.cli"):
        return
    assert not inside(imports_of(module), "validator.cli")


@pytest.mark.parametrize("module", sorted(MODULES))
def test_only_the_lambda_function_knows_of_lambda(module):
    if module == "validator.codepipeline" or inside({module}, "validator.serverless"):
        return
    assert not inside(imports_of(module), "validator.serverless", "validator.codepipeline")


@pytest.mark.parametrize("module", [*(f"validator.{name}" for name in PURE), *in_room("checks")])
def test_the_core_reaches_no_clock_no_network_and_no_chance(module):
    assert not inside(reached_by(module), *WORLD)


def test_the_conclusion_looks_at_no_clock_and_no_network_itself():
    assert not inside(imports_of("validator.conclude"), *WORLD)


def test_the_loop_takes_time_and_sleep_from_outside():
    assert not inside(imports_of("validator.gate"), *WORLD)


@pytest.mark.parametrize(
    "module", [f"validator.{name}" for name in (*PURE, "gate", "conclude")] + in_room("checks")
)
def test_the_core_prints_nothing_and_asks_for_no_time_of_its_own(module):
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    names = {func.id if isinstance(func, ast.Name) else getattr(func, "attr", "") for func in calls}

    assert not names & {"print", "input", "open", "utcnow", "today", "system", "monotonic"}
    moments = [func for func in calls if isinstance(func, ast.Attribute) and func.attr == "now"]
    assert all(isinstance(func.value, ast.Name) and func.value.id == "clock" for func in moments)


@pytest.mark.parametrize("path", sorted(HOUSE.rglob("*.py")), ids=lambda path: str(path.relative_to(HOUSE)))
def test_a_file_can_be_read_in_one_sitting(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) < 400


def test_every_reason_comes_with_what_to_do():
    assert set(ADVICE) == set(Reason)
    assert all(text.strip().endswith((".", ")")) for text in ADVICE.values())


def test_only_one_place_exits():
    for module, path in MODULES.items():
        if module == "validator.__main__":
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
        assert not names & {"sys.exit", "os._exit", "exit", "quit"}, module
