"""What the expressions of a DAG file stand for, and which DAGs they make."""

from __future__ import annotations

import ast
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from validator.local.arguments import Arguments, declared_global
from validator.local.bodies import NAMESPACE_WRITERS, Bodies, Effect, called_name
from validator.local.meanings import (
    INERT,
    OWN,
    UNKNOWN,
    Kind,
    Registers,
    Value,
    builtin,
    may_be_an_id,
    speaks_of_a_dag,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp)
_HOLDS = (Kind.DAG, Kind.HOLDER)
_MAY_MAKE = (Kind.OWN, Kind.DAG_CLASS, Kind.DAG_DECORATOR, Kind.DAG_FUNCTION, Kind.FUNCTION, Kind.MAKER)


@dataclass
class MadeDag:
    """One place of the file that makes a DAG."""

    dag_id: str | None
    """None: unknown, or none that Airflow takes."""
    line: int
    registers: Registers
    sure: bool
    """It is made whenever the file is imported."""
    entered: bool = False
    """It is surely entered, so that Airflow keeps it."""
    names: set[str] = field(default_factory=set)
    """The module's variables that surely hold it."""
    lost: bool = False
    """Such a variable may get another value later."""
    maybe: bool = False
    """Airflow may find it in another way."""
    node: ast.Call | None = None
    """The call that makes it; None: it is made without one."""
    arguments: ast.Call | None = None
    """The call with its arguments: `DAG(...)`, or the decorator `dag(...)`. None: none are known."""
    held: set[str] = field(default_factory=set)
    """The variables that have ever held it."""


class Expressions:
    """The names of a module while its statements are gone through in order, and the DAGs made so far."""

    def __init__(self, tree: ast.Module, *, has_globals: bool) -> None:
        self.names: dict[str, Value] = {}
        self.dags: list[MadeDag] = []
        self.computes = False
        self.sure = True
        """Whether what is looked at runs whenever the file is imported."""
        self.in_class = False
        self.star = False
        """Names may come from another module's `*`."""
        self.bodies = Bodies(self.lookup)
        self._volatile = declared_global(tree) if has_globals else frozenset[str]()
        self.arguments = Arguments(tree, self._volatile)

    @contextmanager
    def unsure(self) -> Iterator[None]:
        """What is looked at inside may not run."""
        before, self.sure = self.sure, False
        yield
        self.sure = before

    def lookup(self, name: str) -> Value:
        """What a name of the module stands for now."""
        value = self.names.get(name) or builtin(name)
        if value is not None:
            return value
        return Value(Kind.OWN, name) if self.star else UNKNOWN

    def bind(self, name: str, value: Value) -> None:
        """Give a name of the module this value, or perhaps, where it is not sure."""
        if self.in_class:
            return
        before = self.names.get(name)
        self.unbind(name)
        if value.kind is Kind.DAG:
            dag = self.dags[value.number]
            dag.held.add(name)
            if self.sure and name not in self._volatile:
                dag.names.add(name)
            else:
                dag.maybe = True
        elif value.kind is Kind.OWN and not value.path and speaks_of_a_dag(name, many=False):
            self.computes = True
        unclear = not self.sure and before is not None and not before.same(value)
        if unclear or (name in self._volatile and value.kind in (Kind.DAG, *_MAY_MAKE)):
            kinds = {value.kind, before.kind if before else Kind.INERT}
            value = Value(Kind.OWN, name) if kinds.intersection(_MAY_MAKE) else UNKNOWN
        self.names[name] = value

    def unbind(self, name: str) -> None:
        """The name loses what it stands for, or perhaps, where it is not sure."""
        before = self.names.get(name)
        if before is None or self.in_class:
            return
        if before.kind is Kind.DAG:
            dag = self.dags[before.number]
            if self.sure:
                dag.names.discard(name)
            else:
                dag.lost = True
        if self.sure:
            del self.names[name]

    def make(
        self,
        dag_id: str | None,
        line: int,
        registers: Registers = Registers.YES,
        node: ast.Call | None = None,
        arguments: ast.Call | None = None,
    ) -> Value:
        """A new DAG."""
        valid = dag_id if dag_id is not None and may_be_an_id(dag_id) else None
        self.dags.append(MadeDag(valid, line, registers, self.sure, node=node, arguments=arguments))
        return Value(Kind.DAG, number=len(self.dags) - 1)

    def enter(self, value: Value) -> None:
        """It is used in a `with`."""
        if value.kind is not Kind.DAG:
            return
        dag = self.dags[value.number]
        if dag.registers is Registers.YES and self.sure:
            dag.entered = True
        elif dag.registers is not Registers.NO:
            dag.maybe = True

    def value(self, node: ast.expr) -> Value:  # noqa: PLR0911 - one return a kind of expression
        """What an expression stands for; the DAGs that it makes are noted."""
        if isinstance(node, ast.Constant):
            return INERT
        if isinstance(node, ast.Name):
            return self.lookup(node.id)
        if isinstance(node, ast.Attribute):
            return self.value(node.value).attribute(node.attr)
        if isinstance(node, ast.Call):
            return self._call(node)
        if isinstance(node, ast.NamedExpr):
            value = self.value(node.value)
            self.bind(node.target.id, value)
            return value
        if isinstance(node, ast.Lambda):
            return Value(Kind.FUNCTION, node=node)
        if isinstance(node, ast.Subscript):
            return self._subscript(node)
        if isinstance(node, (ast.IfExp, ast.BoolOp)):
            return self._choice(node)
        if isinstance(node, _COMPREHENSIONS):
            return self._comprehension(node)
        return self._together(operands(node) if isinstance(node, ast.BinOp) else _expressions(node))

    def named(self, node: ast.expr) -> Value:
        """What a dotted name stands for; `UNKNOWN` for what is more than a name."""
        if isinstance(node, ast.Attribute):
            return self.named(node.value).attribute(node.attr)
        return self.lookup(node.id) if isinstance(node, ast.Name) else UNKNOWN

    def _together(self, nodes: Iterable[ast.expr]) -> Value:
        kinds = {self.value(node).kind for node in nodes}
        if kinds.intersection(_HOLDS):
            return Value(Kind.HOLDER)
        return UNKNOWN if kinds & {Kind.UNKNOWN, Kind.OWN} else INERT

    def _choice(self, node: ast.IfExp | ast.BoolOp) -> Value:
        with self.unsure():
            values = [self.value(one) for one in _expressions(node)]
        for value in values:
            if value.kind is Kind.DAG:
                self.dags[value.number].maybe = True
        return next((value for value in values if value.kind in _MAY_MAKE), UNKNOWN)

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp) -> Value:
        names = self.names
        self.names = dict(names)
        with self.unsure():
            for part in node.generators:
                self.iterated(part.iter)
                own = {one.id for one in ast.walk(part.target) if isinstance(one, ast.Name)}
                self.names |= dict.fromkeys(own, UNKNOWN)
                self._together(part.ifs)
            value = self._together([node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt])
        self.names = names
        return value

    def iterated(self, node: ast.expr) -> Value:
        """What an expression stands for whose items are taken."""
        return self.value(node)

    def item(self, value: Value) -> Value:
        """What the items of a value stand for."""
        return OWN if value.kind is Kind.OWN else UNKNOWN

    def _subscript(self, node: ast.Subscript) -> Value:
        base = self.value(node.value)
        self.value(node.slice)
        if base.path == "sys.modules":
            return Value(Kind.NAMESPACE)
        if base.kind is Kind.HOLDER:
            return self.make(None, node.lineno)
        return OWN if base.kind is Kind.OWN else INERT if base.kind in (Kind.INERT, Kind.AIRFLOW) else UNKNOWN

    def _call(self, node: ast.Call) -> Value:
        called = self.value(node.func)
        given = [(one, self.value(one)) for one in (*node.args, *(word.value for word in node.keywords))]
        return self.called(node, called, given)

    def called(self, node: ast.Call, called: Value, given: list[tuple[ast.expr, Value]]) -> Value:
        """What a call gives back.

        Args:
            node: the call.
            called: what is called.
            given: its arguments.
        """
        if called.kind is Kind.DAG_CLASS:
            return self.make(
                self.arguments.dag_id(node), node.lineno, self.arguments.registers(node), node, node
            )
        if called.kind in (Kind.DAG_DECORATOR, Kind.ASSET_DECORATOR):
            return self._decorating(node, called, [value for _, value in given[: len(node.args)]])
        if called.kind is Kind.DAG_FUNCTION:
            line = called.line or node.lineno
            value = self.make(called.dag_id, line, called.registers, node, called.call)
            self.enter(value)
            return value
        if called.kind is Kind.MAKER:
            return self.make(None, node.lineno)
        if called.kind in (Kind.FUNCTION, Kind.CLASS):
            return self._own_function(node, called, [value for _, value in given])
        return self._other(node, called, given)

    def _decorating(self, node: ast.Call, called: Value, given: list[Value]) -> Value:
        """`dag(...)`, or what is done to a function by calling a decorator by hand."""
        by_hand = called.call is not None or any(value.kind is Kind.FUNCTION for value in given[:1])
        if not by_hand:
            return Value(called.kind, called.path, call=node)
        if called.kind is Kind.DAG_DECORATOR:
            return Value(Kind.DAG_FUNCTION, line=node.lineno)
        self.computes = True
        return INERT

    def _own_function(self, node: ast.Call, called: Value, given: list[Value]) -> Value:
        """A function or class of this file is called, or a method of such a class."""
        effect = self.effect(called)
        namespace = any(value.kind is Kind.NAMESPACE for value in given)
        if effect.registers or (effect.makes and namespace):
            self.computes = True
        is_class = called.kind is Kind.CLASS
        if is_class and not isinstance(node.func, ast.Attribute):
            derived = called.node is not None and self.bodies.is_dag_class(called.node)
            return self.make(None, node.lineno) if derived else called
        return self.make(None, node.lineno) if effect.makes else UNKNOWN

    def effect(self, value: Value) -> Effect:
        """What calling it does."""
        if value.kind in (Kind.FUNCTION, Kind.CLASS) and value.node is not None:
            return self.bodies.effect(value.node)
        if value.kind is Kind.DAG_FUNCTION:
            return Effect(makes=True, registers=True)
        return Effect(makes=value.kind is Kind.MAKER)

    def _other(self, node: ast.Call, called: Value, given: list[tuple[ast.expr, Value]]) -> Value:
        """Something that is not of this file is called, or something unknown."""
        values = [value for _, value in given]
        name = called_name(node, called)
        if called.kind is Kind.NAMESPACE:
            self.computes |= name in NAMESPACE_WRITERS and any(
                value.kind is not Kind.INERT for value in values
            )
            return UNKNOWN
        if called.path.startswith("airflow."):
            return INERT
        positional = values[: len(node.args)]
        self.computes |= any(self.effect(value).registers for value in positional)
        if called.kind is Kind.OWN:
            anonymous = any(value.kind in _HOLDS and not isinstance(one, ast.Name) for one, value in given)
            makes = any(self.effect(value).makes for value in positional)
            namespace = any(value.kind is Kind.NAMESPACE for value in values)
            if speaks_of_a_dag(name, many=True) or namespace or anonymous or makes:
                self.computes = True
            return OWN
        if called.kind is Kind.AIRFLOW:
            return self._of_python(called.path.removeprefix("builtins."), positional)
        if name == "enter_context" and positional:
            self.enter(positional[0])
            return positional[0]
        return UNKNOWN

    def _of_python(self, path: str, given: list[Value]) -> Value:
        """A function of Python's own is called."""
        kinds = [value.kind for value in given]
        if path in ("globals", "vars", "locals") and not given:
            return Value(Kind.NAMESPACE)
        if path == "setattr" and kinds[:1] == [Kind.NAMESPACE] and kinds[2:] != [Kind.INERT]:
            self.computes = True
        if path == "functools.partial" and given:
            makes = kinds[0] is Kind.DAG_CLASS or self.effect(given[0]).makes
            return Value(Kind.MAKER) if makes else INERT
        return Value(Kind.HOLDER) if set(kinds).intersection(_HOLDS) else INERT


def _expressions(node: ast.AST) -> Iterator[ast.expr]:
    return (child for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr))


def operands(node: ast.expr) -> list[ast.expr]:
    """The operands of a chain such as `a >> b >> c`, which may be a thousand long."""
    found = []
    while isinstance(node, ast.BinOp):
        found.append(node.right)
        node = node.left
    return [node, *reversed(found)]
