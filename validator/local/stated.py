"""What a DAG file surely says of its DAGs beyond their ids, told from its syntax: nothing is imported or run."""

from __future__ import annotations

import ast
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from validator.local.definitions import parsed
from validator.local.expressions import Expressions, MadeDag
from validator.local.literals import Literals
from validator.local.meanings import UNKNOWN, Value
from validator.local.module import Module, is_never
from validator.local.schedule_words import ScheduleWords
from validator.local.task_walk import task_lists

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from validator.local.task_words import TaskList

MAX_ACTIVE_RUNS = 100_000
"""The most that a manifest can expect."""

_ATTRIBUTES = {
    "tags": "tags",
    "schedule": "schedule",
    "schedule_interval": "schedule",
    "timetable": "schedule",
    "max_active_runs": "max_active_runs",
    "description": "description",
    "_description": "description",
}
"""A DAG's attributes in Airflow, by what they change of what is stated."""
_READ = frozenset(("dag_id", "doc_md", "test", "cli", "add_task", "task", "get_task"))
"""What of a DAG is used without changing what is stated; `tags` is not there, since they can be added to."""
_WILD = frozenset(
    (
        "__builtins__", "__dict__", "__import__", "__setattr__", "DagContext", "delattr", "eval", "exec",
        "f_globals", "f_locals", "get_current_dag", "get_current_context_dag", "get_dag", "get_objects", "globals",
        "import_module", "locals", "modules", "setattr", "vars",
    )
)  # fmt: skip
"""What can change anything, or find the DAG that is being made."""


@dataclass(frozen=True)
class Stated:
    """What a file surely says of one DAG. None: it cannot be known without running the file."""

    tags: tuple[str, ...] | None = None
    """Sorted, each once; empty: it surely has none."""
    schedule: str | None = None
    """In the words of a manifest: a cron expression or preset as it is written, `6h`, `Asset`, `none`."""
    owners: tuple[str, ...] | None = None
    """Of its tasks, sorted, as Airflow lists them. None, too, where it has no tasks."""
    tasks: tuple[str, ...] | None = None
    """The full ids, with those of their groups, sorted; empty: it surely has none."""
    max_active_runs: int | None = None
    description: str | None = None
    """Empty: it surely has none."""


def stated_by(text: str, airflow_major: int | None = None) -> Mapping[str, Stated]:
    """What a file says of the DAGs that it surely defines, by id. No text makes this raise.

    What is stated is what Airflow 2.10.5 and 3.0.6 list if the file's import succeeds. A default that a
    configuration can change is not stated, and neither is anything of a file that makes other DAGs, too, in a way
    that cannot be known. Three things are taken for granted: no cluster policy changes DAGs or tasks, importing
    another module changes neither Airflow nor this file's DAGs, and what other modules make inside a DAG changes
    nothing but its tasks.

    Args:
        text: the file.
        airflow_major: 2 or 3; None: only what is the same on both.

    Returns:
        One `Stated` for each DAG; an id that is defined twice is left out.
    """
    try:
        tree = parsed(text.removeprefix("\ufeff"))
        names = Expressions(tree, has_globals=True)
        module = Module(tree, names)
        module.run()
        return _Reader(tree, module, names, airflow_major).all()
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError):
        return {}


class _Reader:
    """One file that was gone through."""

    def __init__(
        self, tree: ast.Module, module: Module, names: Expressions, airflow_major: int | None
    ) -> None:
        self._tree = tree
        self._module = module
        self._names = names
        self._literals = Literals(tree, names.arguments, names.named)
        self._schedules = ScheduleWords(self._literals, self._named_once, airflow_major)
        self._major = airflow_major

    def all(self) -> dict[str, Stated]:
        """Each certain DAG."""
        certain = self._module.certain_dags()
        times = Counter(dag_id for dag_id, _ in certain)
        single = {dag_id: dag for dag_id, dag in certain if times[dag_id] == 1}
        uses = Uses(self._tree)
        if self._module.computes_any() or self._names.star or uses.words & _WILD:
            return dict.fromkeys(single, Stated())
        lists = task_lists(self._tree, self._literals)
        return {dag_id: self._stated(dag, uses, lists.get(dag_id)) for dag_id, dag in single.items()}

    def _stated(self, dag: MadeDag, uses: Uses, tasks: TaskList | None) -> Stated:
        call = dag.arguments
        if call is None or len(call.args) > 1 or dag.node is None or uses.escapes(dag.node, dag.held):
            return Stated()
        changed = {_ATTRIBUTES[name] for name in uses.changed & _ATTRIBUTES.keys()}
        return Stated(
            tags=None if "tags" in changed else self._tags(call),
            schedule=None if "schedule" in changed else self._schedules.of(call),
            owners=self._owners(tasks),
            tasks=None if tasks is None else tuple(sorted(tasks.ids)),
            max_active_runs=None if "max_active_runs" in changed else self._runs(call),
            description=None if "description" in changed else self._description(call),
        )

    def _tags(self, call: ast.Call) -> tuple[str, ...] | None:
        is_known, node = self._literals.given(call, "tags")
        if not is_known:
            return None
        if node is None or self._literals.is_none(node):
            return ()
        texts = self._literals.texts(node)
        return None if texts is None else tuple(sorted(set(texts)))

    def _runs(self, call: ast.Call) -> int | None:
        is_known, node = self._literals.given(call, "max_active_runs")
        number = self._literals.number(node) if is_known and node is not None else None
        return number if number is not None and 0 < number <= MAX_ACTIVE_RUNS else None

    def _description(self, call: ast.Call) -> str | None:
        is_known, node = self._literals.given(call, "description")
        if not is_known:
            return None
        return "" if node is None or self._literals.is_none(node) else self._literals.text(node)

    def _owners(self, tasks: TaskList | None) -> tuple[str, ...] | None:
        if tasks is None or not tasks.owners or None in tasks.owners:
            return None
        owners = {owner for owner in tasks.owners if owner is not None}
        # Airflow 3 leaves out the one that its configuration names as the default, if there are others.
        return tuple(sorted(owners)) if len(owners) == 1 or self._major == 2 else None  # noqa: PLR2004 - Airflow 2

    def _named_once(self, node: ast.expr) -> Value:
        """What a dotted name stands for, if its first part has one meaning in the whole file."""
        root = node
        while isinstance(root, ast.Attribute):
            root = root.value
        once = isinstance(root, ast.Name) and self._names.arguments.is_bound_once(root.id)
        return self._names.named(node) if once else UNKNOWN


class Uses:
    """How a file uses names and attributes, anywhere but where Airflow never runs it.

    Args:
        tree: the file.
    """

    def __init__(self, tree: ast.Module) -> None:
        self._parents: dict[ast.AST, ast.AST] = {}
        self.words: set[str] = set()
        """Every name and attribute."""
        self.changed: set[str] = set()
        """The attributes that are set, or that can be changed in place."""
        self._reads: defaultdict[str, list[ast.Name]] = defaultdict(list)
        self._of_tasks: list[ast.Attribute] = []
        """What may be the DAG of a task."""
        for node, parent in _with_parents(tree):
            self._parents[node] = parent
            if isinstance(node, ast.Name):
                self.words.add(node.id)
                if isinstance(node.ctx, ast.Load):
                    self._reads[node.id].append(node)
            elif isinstance(node, ast.Attribute):
                self.words.add(node.attr)
                if not isinstance(node.ctx, ast.Load) or node.attr == "tags":
                    self.changed.add(node.attr)
                if node.attr in ("dag", "_dag"):
                    self._of_tasks.append(node)
            elif isinstance(node, ast.alias):
                self.words.update(node.name.split("."))

    def escapes(self, made: ast.Call, names: set[str]) -> bool:
        """Whether a DAG may become known to what is not known here.

        Args:
            made: the call that makes it.
            names: the variables that hold it.
        """
        reads = [node for name in names for node in self._reads[name]]
        return not all(self._stays(node, names) for node in (made, *reads)) or not all(
            map(self._is_no_dag, self._of_tasks)
        )

    def _is_no_dag(self, node: ast.Attribute) -> bool:
        """Whether `.dag` is a decorator or a module, or is handed to nobody."""
        parent = self._parents[node]
        if isinstance(parent, ast.Attribute):
            return parent.attr in _READ or parent.attr in _ATTRIBUTES or parent.attr == "DAG"
        if isinstance(parent, ast.keyword):
            return self._makes(parent)
        return isinstance(parent, (ast.FunctionDef, ast.Expr)) or (
            isinstance(parent, ast.Call) and parent.func is node
        )

    def _stays(self, node: ast.expr, names: set[str]) -> bool:
        parent = self._parents.get(node)
        if isinstance(parent, ast.withitem):
            return parent.optional_vars is None or _is_one_of(parent.optional_vars, names)
        if isinstance(parent, ast.Assign):
            return all(_is_one_of(target, names) for target in parent.targets)
        if isinstance(parent, ast.Attribute):
            return parent.attr in _READ or parent.attr in _ATTRIBUTES
        if isinstance(parent, ast.AnnAssign):
            return _is_one_of(parent.target, names)
        if isinstance(parent, ast.keyword):
            return self._makes(parent)
        return isinstance(parent, ast.Expr) or parent is None  # None: under a condition that never holds

    def _makes(self, word: ast.keyword) -> bool:
        """Whether it is an argument of what is called as a class is: an operator takes its DAG so."""
        call = self._parents[word]
        name = ast.unparse(call.func).rpartition(".")[2] if isinstance(call, ast.Call) else ""
        return word.arg == "dag" and name[:1].isupper()


def _is_one_of(target: ast.expr, names: set[str]) -> bool:
    return isinstance(target, ast.Name) and target.id in names


def _with_parents(tree: ast.Module) -> Iterator[tuple[ast.AST, ast.AST]]:
    todo: list[ast.AST] = [tree]
    while todo:
        node = todo.pop()
        children = node.orelse if isinstance(node, ast.If) and is_never(node) else ast.iter_child_nodes(node)
        for child in children:
            yield child, node
            todo.append(child)
