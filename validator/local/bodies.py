"""What calling a function or a class of a DAG file does, as far as making DAGs goes."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, NamedTuple

from validator.local.meanings import INERT, OWN, UNKNOWN, Kind, Value, imported, speaks_of_a_dag

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Effect(NamedTuple):
    """What happens when it is called."""

    makes: bool = False
    """It makes a DAG, and may hand it back."""
    registers: bool = False
    """Airflow finds a DAG that it made, whatever is done with the result."""


class Bodies:
    """The effects of one file's functions and classes, each looked into once, when it is first called.

    Args:
        lookup: what a name of the module stands for at that moment.
    """

    def __init__(self, lookup: Callable[[str], Value]) -> None:
        self._lookup = lookup
        self._known: dict[ast.AST, Effect] = {}

    def effect(self, node: ast.AST) -> Effect:
        """What calling this function, lambda or class does. One that calls itself adds nothing by that."""
        if node not in self._known:
            self._known[node] = Effect()
            self._known[node] = self._effect(node)
        return self._known[node]

    def is_dag_class(self, node: ast.AST) -> bool:
        """Whether it is a class that is derived from `DAG`."""
        return isinstance(node, ast.ClassDef) and any(
            self._value(base, {}).kind is Kind.DAG_CLASS for base in node.bases
        )

    def _effect(self, node: ast.AST) -> Effect:
        nodes = list(_running(node, self._is_a_task))
        names = self._local_names(node, nodes)
        makes = self.is_dag_class(node)
        registers = False
        entered: set[ast.AST] = set()
        made: set[str] = set()
        for one in nodes:
            if isinstance(one, (ast.With, ast.AsyncWith)):
                entered |= {item.context_expr for item in one.items}
        for one in nodes:
            if isinstance(one, ast.Call):
                effect = self._call(one, names)
                makes |= effect.makes
                registers |= effect.registers or (effect.makes and one in entered)
            elif isinstance(one, ast.Assign):
                makes |= self._own_result(one, names)
                made |= self._made_names(one, names)
                registers |= any(_is_namespace(target) for target in one.targets)
        registers |= any(isinstance(one, ast.Name) and one.id in made for one in entered)
        registers |= makes and any(isinstance(one, ast.Global) for one in nodes)
        return Effect(makes or registers, registers)

    def _call(self, call: ast.Call, names: dict[str, Value]) -> Effect:
        value = self._value(call.func, names)
        given = [*call.args, *(keyword.value for keyword in call.keywords)]
        if value.kind in (Kind.FUNCTION, Kind.CLASS) and value.node is not None:
            return self.effect(value.node)
        if value.kind in (Kind.DAG_CLASS, Kind.MAKER):
            return Effect(makes=True)
        if value.kind is Kind.DAG_FUNCTION:
            return Effect(makes=True, registers=True)
        if value.kind is Kind.OWN:
            certain = speaks_of_a_dag(called_name(call, value), many=True)
            return Effect(certain, certain or any(_is_namespace_call(one) for one in given))
        if value.kind is Kind.AIRFLOW and value.path == "functools.partial" and given:
            return Effect(makes=self._value(given[0], names).kind is Kind.DAG_CLASS)
        puts = isinstance(call.func, ast.Attribute) and call.func.attr in NAMESPACE_WRITERS
        return Effect(registers=puts and _is_namespace_call(call.func.value))  # type: ignore[attr-defined]

    def _own_result(self, assign: ast.Assign, names: dict[str, Value]) -> bool:
        """Whether the result of another module's function is called a DAG."""
        if (
            not isinstance(assign.value, ast.Call)
            or self._value(assign.value.func, names).kind is not Kind.OWN
        ):
            return False
        return any(
            isinstance(target, ast.Name) and speaks_of_a_dag(target.id, many=False)
            for target in assign.targets
        )

    def _made_names(self, assign: ast.Assign, names: dict[str, Value]) -> set[str]:
        """The local names of a DAG that is made here."""
        if not isinstance(assign.value, ast.Call) or not self._call(assign.value, names).makes:
            return set()
        return {target.id for target in assign.targets if isinstance(target, ast.Name)}

    def _local_names(self, node: ast.AST, nodes: list[ast.AST]) -> dict[str, Value]:
        """What the names of the body stand for; those of functions in it are thrown in."""
        names: dict[str, Value] = {}
        for one in (node, *nodes):
            if isinstance(one, ast.arg) or (isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)):
                names.setdefault(one.arg if isinstance(one, ast.arg) else one.id, UNKNOWN)
        for one in nodes:
            if isinstance(one, (ast.Import, ast.ImportFrom)):
                names.update(imported_names(one))
        for one in nodes:
            if one is not node and isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                names[one.name] = self._nested(one, names)
        return names

    def _nested(
        self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, names: dict[str, Value]
    ) -> Value:
        kinds = {self._value(_plain(one), names).kind for one in node.decorator_list}
        if Kind.DAG_DECORATOR in kinds:
            return Value(Kind.DAG_FUNCTION)
        return INERT  # what it makes counts for the function around it already

    def _value(self, node: ast.expr, names: dict[str, Value]) -> Value:
        if isinstance(node, ast.Name):
            return names.get(node.id) or self._lookup(node.id)
        if isinstance(node, ast.Attribute):
            return self._value(node.value, names).attribute(node.attr)
        if isinstance(node, ast.Call):
            value = self._value(node.func, names)
            return OWN if value.kind is Kind.OWN else value if value.kind is Kind.CLASS else UNKNOWN
        return UNKNOWN

    def _is_a_task(self, decorator: ast.expr) -> bool:
        return is_of_airflow(self._value(_plain(decorator), {}))


NAMESPACE_WRITERS = ("update", "setdefault", "__setitem__")
"""The methods that put something into `globals()`."""


def is_of_airflow(value: Value) -> bool:
    """Whether it is Airflow's, and none of what makes DAGs: `@task`, an operator."""
    return value.kind is Kind.AIRFLOW and value.path.startswith("airflow.")


def called_name(call: ast.Call, value: Value) -> str:
    """What a called thing is called: by its own module, else in this file. Empty: it has no name."""
    if value.path:
        return value.path.rpartition(".")[2]
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


def imported_names(node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, Value]]:
    """The names that an import binds, `*` among them."""
    for alias in node.names:
        if isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield alias.asname or alias.name, imported(f"{module}.{alias.name}")
        elif alias.asname:
            yield alias.asname, imported(alias.name)
        else:
            root = alias.name.partition(".")[0]
            yield root, imported(root)


def _plain(decorator: ast.expr) -> ast.expr:
    return decorator.func if isinstance(decorator, ast.Call) else decorator


def _running(node: ast.AST, is_a_task: Callable[[ast.expr], bool]) -> Iterator[ast.AST]:
    """Every node of a body but the bodies of Airflow's tasks, which run on a worker."""
    todo = list(ast.iter_child_nodes(node))
    while todo:
        one = todo.pop()
        if isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef)) and any(
            map(is_a_task, one.decorator_list)
        ):
            continue
        yield one
        todo += ast.iter_child_nodes(one)


def _is_namespace_call(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "globals"


def _is_namespace(target: ast.AST) -> bool:
    return isinstance(target, ast.Subscript) and _is_namespace_call(target.value)
