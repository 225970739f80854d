"""What the expressions of a DAG file stand for, and which tasks they make.

How Airflow puts tasks into DAGs is taken from `models/baseoperator.py` and `decorators/base.py` of 2.10.5, and from
`sdk/bases/` of 3.0.6.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from validator.local.expressions import Expressions, operands
from validator.local.harmless import Calls, calls_of
from validator.local.meanings import INERT, UNKNOWN, Kind, Value
from validator.local.task_words import Group, Maker, Place, TaskList, Unclear, Words, is_operator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from validator.local.literals import Literals

_SHIFTS = (ast.LShift, ast.RShift)
_CALM = (Kind.INERT, Kind.TASK)
"""What is known: neither it nor its methods make tasks."""
_RELATING = ("as_setup", "as_teardown", "set_downstream", "set_upstream")
_OF_TASKS = frozenset(
    (
        *_RELATING,
        "append",
        "concat",
        "extend",
        "get",
        "insert",
        "items",
        "keys",
        "map",
        "pop",
        "values",
        "zip",
    )
)
"""The methods of tasks, and of containers of them, that make no task."""
DOCS = ("doc", "doc_json", "doc_md", "doc_rst", "doc_yaml")
"""Attributes that nothing depends on."""


class TaskExpressions(Expressions):
    """The expressions of a module, and the tasks that they make.

    From the first DAG on, each call must be known to make a task, or to make none.

    Args:
        tree: the module.
        literals: its literals.
    """

    run: Callable[[ast.AST | None, Mapping[str, Value], Value], Value]
    """Goes through a function's body, with the names around it and what its parameters stand for."""

    def __init__(self, tree: ast.Module, literals: Literals) -> None:
        super().__init__(tree, has_globals=True)
        self.lists: dict[int, TaskList] = {}
        """By the number of the DAG."""
        self.places: list[Place] = []
        """The DAG that is entered, and the groups in it, the innermost last."""
        self.words = Words(literals)
        self._makers: list[Maker] = []
        self._groups: list[tuple[int, Group]] = []

    def unclear(self) -> Value:
        """Something that is not known happens: before the first DAG it may, since there is none to add tasks to.

        Raises:
            Unclear: there is a DAG.
        """
        if self.dags:
            raise Unclear
        return UNKNOWN

    def maker(self, maker: Maker) -> Value:
        """What makes tasks when it is called."""
        self._makers.append(maker)
        return Value(Kind.TASK_MAKER, number=len(self._makers) - 1)

    def place(self, value: Value) -> Place | None:
        """Where tasks go while this is entered; None: it is no place.

        Raises:
            Unclear: it is one where this cannot be told.
        """
        if value.kind is Kind.DAG:
            if self.places or value.number not in self.lists:
                raise Unclear
            return Place(value.number)
        if value.kind is not Kind.TASK or value.number < 0:
            return None
        dag, group = self._groups[value.number]
        if not self.places or self.places[-1].dag != dag:
            raise Unclear
        return Place(dag, group)

    def bind(self, name: str, value: Value) -> None:
        """Give a name its value. Two versions of Airflow have the same class in different modules."""
        before = self.names.get(name)
        if not self.sure and before is not None and _same_class(before.path, value.path):
            return
        super().bind(name, UNKNOWN if name in self._volatile and value.kind is not Kind.DAG else value)

    def value(self, node: ast.expr) -> Value:
        """What an expression stands for; the DAGs and tasks that it makes are noted.

        Raises:
            Unclear: it may make tasks that are not known.
        """
        if isinstance(node, ast.Attribute):
            return self._attribute(self.value(node.value), node.attr)
        if isinstance(node, ast.BinOp):
            return self._operation(node)
        if isinstance(node, ast.Starred):
            return self.iterated(node.value)
        found = super().value(node)
        return INERT if isinstance(node, (ast.JoinedStr, ast.Compare)) else found

    def iterated(self, node: ast.expr) -> Value:
        """What items are taken of. What is not known may be a generator, which runs only now."""
        found = self.value(node)
        return found if found.kind in (*_CALM, Kind.AIRFLOW) else self.unclear()

    def item(self, value: Value) -> Value:
        """What the items of a value stand for."""
        return _plain(value) if value.kind in _CALM else self.unclear()

    def called(self, node: ast.Call, called: Value, given: list[tuple[ast.expr, Value]]) -> Value:
        """What a call gives back; the DAGs and tasks that it makes are noted."""
        if called.kind is Kind.DAG_FUNCTION:
            return self._dag(node, called)
        if called.kind is Kind.TASK_MAKER:
            return self._make(self._makers[called.number], joined(value for _, value in given))
        if called.kind in (Kind.DAG_CLASS, Kind.DAG_DECORATOR, Kind.ASSET_DECORATOR):
            value = super().called(node, called, given)
            if value.kind is Kind.DAG:
                self.lists[value.number] = TaskList(self.words.default_owner(node))
            return value
        if called.kind is Kind.AIRFLOW or called.path.startswith("kubernetes."):
            return self._function(node, called.path, joined(value for _, value in given))
        return self.unclear()

    def _call(self, node: ast.Call) -> Value:
        func = node.func
        base = self.value(func.value) if isinstance(func, ast.Attribute) else None
        given = [(one, self.value(one)) for one in (*node.args, *(word.value for word in node.keywords))]
        if not isinstance(func, ast.Attribute) or base is None:
            return self.called(node, self.value(func), given)
        if base.kind is Kind.TASK_MAKER:
            return self._made_by(node, func.attr, self._makers[base.number])
        if base.kind in _CALM:
            return self._method(func, base, joined(value for _, value in given))
        return self.called(node, self._attribute(base, func.attr), given)

    def _together(self, nodes: Iterable[ast.expr]) -> Value:
        return joined([self.value(node) for node in nodes])

    def _choice(self, node: ast.IfExp | ast.BoolOp) -> Value:
        with self.unsure():
            return self._together(one for one in ast.iter_child_nodes(node) if isinstance(one, ast.expr))

    def _subscript(self, node: ast.Subscript) -> Value:
        base = self.value(node.value)
        self.value(node.slice)
        if base.kind in (Kind.INERT, Kind.AIRFLOW):
            return INERT
        return Value(Kind.TASK) if base.kind is Kind.TASK else UNKNOWN

    def _operation(self, node: ast.BinOp) -> Value:
        found = self._together(operands(node))
        chain: ast.expr = node
        while isinstance(chain, ast.BinOp):
            if isinstance(chain.op, _SHIFTS) and found.kind not in _CALM:
                self.unclear()  # an operator of another module becomes a task of the DAG by it
            chain = chain.left
        return found

    def _attribute(self, base: Value, name: str) -> Value:
        if base.kind is Kind.DAG:
            if name not in ("dag_id", *DOCS):
                raise Unclear
            return INERT
        if base.kind is Kind.TASK:
            if name in ("dag", "task_group"):
                raise Unclear
            return Value(Kind.TASK)
        if base.kind in (Kind.INERT, Kind.AIRFLOW, Kind.DAG_CLASS, Kind.DAG_DECORATOR, Kind.OWN):
            return base.attribute(name)
        return UNKNOWN

    def _method(self, func: ast.Attribute, base: Value, given: Value) -> Value:
        """A method of a task, a text, a container."""
        found = joined([base, given])
        if base.kind is Kind.TASK and func.attr not in _OF_TASKS:
            self.unclear()
        if func.attr in _RELATING and found.kind not in _CALM:
            self.unclear()
        if isinstance(func.value, ast.Name) and found.kind is not base.kind:
            self.bind(func.value.id, found)
        return found

    def _function(self, node: ast.Call, path: str, given: Value) -> Value:
        """A function or class that was imported, or is Python's own."""
        if is_operator(path):
            return self._task(self.words.operator(node), self._place_of(node))
        if path.endswith(".partial") and is_operator(path.removesuffix(".partial")):
            if self.words.word(node, "dag") is not None:
                raise Unclear
            return self.maker(self.words.partial(node))
        if path.startswith("airflow.") and path.rpartition(".")[2] == "TaskGroup":
            return self._group(self.words.group(node), self._place_of(node))
        calls = calls_of(path)
        if calls is Calls.NOTHING and given.kind is not Kind.HOLDER:
            return Value(Kind.TASK) if given.kind is Kind.TASK else INERT
        if calls is Calls.ITEMS and given.kind in _CALM:
            return given
        return UNKNOWN if calls is Calls.LATER else self.unclear()

    def _dag(self, node: ast.Call, called: Value) -> Value:
        """A function under `@dag` is called: Airflow hands it parameters of its own."""
        if self.places or not self.sure or called.call is None:
            raise Unclear
        value = super().called(node, called, [])
        self.lists[value.number] = TaskList(self.words.default_owner(called.call))
        self.places.append(Place(value.number))
        self.run(called.node, self.names, INERT)
        self.places.pop()
        return value

    def _make(self, maker: Maker, given: Value) -> Value:
        """A function under `@task` or `@task_group` is called."""
        if maker.partial or not self.places:
            raise Unclear
        if maker.function is None or maker.scope is None:
            return self._task(maker, self.places[-1])
        group = self._group(maker, self.places[-1])
        self.places.append(Place(*self._groups[group.number]))
        result = self.run(maker.function, maker.scope, given)
        self.places.pop()
        return group if result.kind is Kind.INERT else _plain(result)

    def _made_by(self, node: ast.Call, method: str, maker: Maker) -> Value:
        """A method of what makes tasks."""
        if method == "override" and not maker.partial:
            return self.maker(self.words.overridden(maker, node))
        if maker.function is None and method == "partial" and not maker.partial:
            return self.maker(maker)
        if maker.function is None and method in ("expand", "expand_kwargs") and self.places:
            return self._task(maker, self.places[-1], mapped=True)
        raise Unclear

    def _place_of(self, call: ast.Call) -> Place:
        """Where a new operator or group goes: into the DAG that is entered, or the one that it names."""
        node = self.words.word(call, "dag")
        if node is None:
            if not self.places:
                raise Unclear
            return self.places[-1]
        dag = self.value(node)
        place = self.places[-1] if self.places else Place(dag.number)
        if dag.kind is not Kind.DAG or dag.number != place.dag or dag.number not in self.lists:
            raise Unclear
        return place

    def _task(self, maker: Maker, place: Place, *, mapped: bool = False) -> Value:
        if not self.sure:
            raise Unclear
        self.lists[place.dag].add(maker, place, mapped=mapped)
        return Value(Kind.TASK)

    def _group(self, maker: Maker, place: Place) -> Value:
        if not self.sure:
            raise Unclear
        self._groups.append((place.dag, self.lists[place.dag].group(maker, place)))
        return Value(Kind.TASK, number=len(self._groups) - 1)


def joined(values: Iterable[Value]) -> Value:
    """What is made of several values."""
    kinds = {value.kind for value in values}
    if kinds & {Kind.DAG, Kind.HOLDER}:
        return Value(Kind.HOLDER)
    if kinds <= {Kind.INERT}:
        return INERT
    return Value(Kind.TASK) if kinds <= {Kind.INERT, Kind.TASK} else UNKNOWN


def _plain(value: Value) -> Value:
    return Value(Kind.TASK) if value.kind is Kind.TASK else value


def _same_class(one: str, other: str) -> bool:
    of_airflow = one.startswith("airflow.") and other.startswith("airflow.")
    return of_airflow and one.rpartition(".")[2] == other.rpartition(".")[2]
