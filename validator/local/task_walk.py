"""Which tasks a DAG file surely puts into its DAGs, told from its syntax."""

from __future__ import annotations

import ast
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from validator.local.meanings import INERT, UNKNOWN, Kind, Value
from validator.local.module import Module
from validator.local.task_calls import DOCS, TaskExpressions, joined
from validator.local.task_words import Maker, TaskList, Unclear, decorator

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from validator.local.literals import Literals

_MOST = 50_000
"""So many statements are looked at: those of a group's function count each time that it is called."""
_LATER = (ast.Yield, ast.YieldFrom, ast.Await, ast.Global, ast.Nonlocal)
"""A function with one of these is not gone through as it is written."""
_OF_TASKS = (*DOCS, "priority_weight", "retries", "trigger_rule", "ui_color", "ui_fgcolor", "weight_rule")
"""Attributes of tasks that change nothing that is stated."""
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def task_lists(tree: ast.Module, literals: Literals) -> Mapping[str, TaskList]:
    """The tasks of each DAG of a file, by its id; of a DAG that is not there they cannot be known.

    Args:
        tree: the file.
        literals: its literals.

    Raises:
        RecursionError: it is nested too deeply.
    """
    names = TaskExpressions(tree, literals)
    walk = _Walk(tree, names)
    try:
        walk.run()
    except Unclear:
        return {}
    times = Counter(dag.dag_id for dag in names.dags)
    return {
        dag.dag_id: names.lists[number]
        for number, dag in enumerate(names.dags)
        if dag.dag_id is not None and times[dag.dag_id] == 1 and number in names.lists
    }


class _Walk(Module):
    """A file's statements, and the bodies of the functions that are a DAG or a task group."""

    def __init__(self, tree: ast.Module, names: TaskExpressions) -> None:
        super().__init__(tree, names)
        self._tasks = names
        self._statements_left = _MOST
        names.run = self._body

    def _body(self, function: ast.AST | None, scope: Mapping[str, Value], given: Value) -> Value:
        """Go through a function's body; gives back what it returns."""
        names = self._tasks
        if not isinstance(function, ast.FunctionDef) or any(
            isinstance(one, _LATER) for one in ast.walk(function)
        ):
            raise Unclear
        before, hidden = names.names, names.words.hidden
        names.words.hidden |= frozenset(_local_names(function))
        defaults = [one for one in (*function.args.defaults, *function.args.kw_defaults) if one is not None]
        calm = all(isinstance(one, ast.Constant) for one in defaults)
        names.names = dict(scope) | {
            one.arg: given if calm else UNKNOWN for one in ast.walk(function.args) if isinstance(one, ast.arg)
        }
        result = self._statements(function.body)
        names.names, names.words.hidden = before, hidden
        return result

    def _statements(self, body: Sequence[ast.stmt]) -> Value:
        for node in body:
            if isinstance(node, ast.Return):
                return INERT if node.value is None else self._tasks.value(node.value)
            self._one(node)
        return INERT

    def _one(self, node: ast.stmt) -> None:
        self._statements_left -= 1
        if isinstance(node, ast.Return) or not self._statements_left:  # from within a loop, a condition
            raise Unclear
        if isinstance(node, ast.Delete):
            for target in node.targets:
                if isinstance(target, (ast.Attribute, ast.Subscript)):
                    self._tasks.value(target.value)
        if isinstance(node, ast.Match) and any(case.guard is not None for case in node.cases):
            self._tasks.unclear()
        if isinstance(node, ast.AugAssign):
            self._augmented(node)
        else:
            super()._one(node)

    def _augmented(self, node: ast.AugAssign) -> None:
        names, target = self._tasks, node.target
        if isinstance(node.op, (ast.LShift, ast.RShift)) or not isinstance(target, ast.Name):
            names.unclear()
        value = names.value(node.value)
        if isinstance(target, ast.Name):
            names.bind(target.id, joined([names.lookup(target.id), value]))

    def _put(self, target: ast.Subscript | ast.Attribute, base: Value, value: Value) -> None:
        if base.kind is Kind.TASK and isinstance(target, ast.Attribute):
            if target.attr not in _OF_TASKS:
                raise Unclear
            return
        if base.kind in (Kind.INERT, Kind.TASK):
            if isinstance(target.value, ast.Name):
                self._tasks.bind(target.value.id, joined([base, value]))
            return
        if base.kind is Kind.DAG and isinstance(target, ast.Attribute):
            return  # what changes nothing but what is stated elsewhere
        if base.path.startswith("airflow.") or base.kind in (Kind.CLASS, Kind.NAMESPACE, Kind.DAG):
            raise Unclear
        if value.kind is not Kind.INERT:
            self._tasks.unclear()

    def _class(self, node: ast.ClassDef) -> None:
        self._tasks.unclear()
        super()._class(node)

    def _with(self, node: ast.With | ast.AsyncWith) -> None:
        names = self._tasks
        around, swallows = len(names.places), False
        for item in node.items:
            value = names.value(item.context_expr)
            names.enter(value)
            place = names.place(value)
            if place is not None:
                names.places.append(place)
            elif value.kind is not Kind.TASK and not self._opens(item.context_expr):
                swallows = True
                names.unclear()
            if item.optional_vars is not None:
                self._bind(item.optional_vars, value)
        if swallows:
            self._maybe(node.body)
        else:
            self._all(node.body)
        del names.places[around:]

    def _opens(self, node: ast.expr) -> bool:
        """Whether it is `open(...)`, which swallows no exception."""
        return isinstance(node, ast.Call) and self._tasks.named(node.func).path == "builtins.open"

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        names = self._tasks
        plain = [one.func if isinstance(one, ast.Call) else one for one in node.decorator_list]
        values = [names.named(one) for one in plain]
        roles = [decorator(value.path) for value in values]
        if not roles or not all(roles):
            if not all(_is_known(value) for value in values):
                names.unclear()
            super()._function(node)
            return
        calls = [one for one in node.decorator_list if isinstance(one, ast.Call)]
        for one in (
            *node.args.defaults,
            *node.args.kw_defaults,
            *(arg for call in calls for arg in call.args),
        ):
            if one is not None:
                names.value(one)
        for word in (word for call in calls for word in call.keywords):
            names.value(word.value)
        names.bind(node.name, self._made(node, roles))

    def _made(self, node: ast.FunctionDef | ast.AsyncFunctionDef, roles: list[str]) -> Value:
        """What the decorators make of a function: `@setup` and `@teardown` may be around `@task`."""
        names = self._tasks
        inner = node.decorator_list[-1]
        around = roles[:-1]
        if around and (roles[-1] != "task" or any(role not in ("setup", "teardown") for role in around)):
            return UNKNOWN
        maker = Maker(node.name, unique=True)
        if roles[-1] == "task_group":
            maker = replace(maker, function=node, scope=names.names)
        if isinstance(inner, ast.Call) and roles[-1] in ("task", "task_group"):
            maker = names.words.decorated(maker, inner)
        return names.maker(maker)


def _is_known(value: Value) -> bool:
    """Whether a decorator makes nothing but what is known here."""
    if value.kind in (Kind.DAG_DECORATOR, Kind.ASSET_DECORATOR):
        return True
    return value.kind is Kind.AIRFLOW and not value.path.startswith("airflow.")


def _local_names(function: ast.FunctionDef) -> set[str]:
    """The names that a function binds, also in functions inside it."""
    found: set[str] = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            found.add(node.id)
        elif isinstance(node, ast.arg):
            found.add(node.arg)
        elif isinstance(node, _FUNCTIONS) and node is not function:
            found.add(node.name)
        elif isinstance(node, ast.alias):
            found.add(node.asname or node.name.partition(".")[0])
        elif isinstance(node, ast.ExceptHandler) and node.name:
            found.add(node.name)
    return found
