"""A DAG file's statements, gone through in order without being run."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from validator.local.bodies import called_name, imported_names, is_of_airflow
from validator.local.meanings import INERT, UNKNOWN, Kind, Value, speaks_of_a_dag
from validator.local.model import Definition

if TYPE_CHECKING:
    from collections.abc import Sequence

    from validator.local.expressions import Expressions, MadeDag

_NEVER = ("__name__ == '__main__'", "'__main__' == __name__")
"""Conditions that do not hold where Airflow imports the file."""
_IDS = ("dag_id", "_dag_id")
"""A DAG's attributes that change its id when they are set."""
_EXITS = ("sys.exit", "os._exit", "os.abort", "builtins.exit", "builtins.quit")


class Module:
    """One file.

    Args:
        tree: its syntax.
        names: what goes through its expressions.
    """

    def __init__(self, tree: ast.Module, names: Expressions) -> None:
        self._tree = tree
        self._names = names
        self._ends = False
        """Its import surely fails or exits."""

    def run(self) -> None:
        """Go through the file.

        Raises:
            RecursionError: it is nested too deeply.
        """
        self._all(self._tree.body)

    def certain(self) -> tuple[Definition, ...]:
        """The DAGs that the file surely defines, by line."""
        found = [Definition(dag_id, dag.line) for dag_id, dag in self.certain_dags()]
        return tuple(sorted(found, key=lambda definition: definition.line))

    def certain_dags(self) -> list[tuple[str, MadeDag]]:
        """The same DAGs with their ids, as they were found."""
        if self._ends:
            return []
        return [
            (dag.dag_id, dag)
            for dag in self._names.dags
            if dag.dag_id is not None and dag.sure and (dag.entered or (dag.names and not dag.lost))
        ]

    def computes_any(self) -> bool:
        """Whether it also makes DAGs that are not certain."""
        return self._names.computes or any(
            dag.entered or dag.names or dag.maybe
            for dag in self._names.dags
            if self._ends
            or dag.dag_id is None
            or not dag.sure
            or not (dag.entered or (dag.names and not dag.lost))
        )

    def _all(self, nodes: Sequence[ast.stmt]) -> None:
        for node in nodes:
            self._one(node)

    def _maybe(self, nodes: Sequence[ast.stmt]) -> None:
        with self._names.unsure():
            self._all(nodes)

    def _one(self, node: ast.stmt) -> None:  # noqa: C901, PLR0912 - one branch a kind of statement
        names = self._names
        if isinstance(node, ast.Expr):
            names.value(node.value)
            self._may_end(node.value)
        elif isinstance(node, ast.Assign):
            self._assign(node.targets, node.value)
        elif isinstance(node, ast.AnnAssign):
            if node.value is not None:
                self._assign([node.target], node.value)
        elif isinstance(node, ast.AugAssign):
            names.value(node.value)
            if isinstance(node.target, ast.Name):
                names.bind(node.target.id, UNKNOWN)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            self._import(node)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            self._function(node)
        elif isinstance(node, ast.ClassDef):
            self._class(node)
        elif isinstance(node, (ast.With, ast.AsyncWith)):
            self._with(node)
        elif isinstance(node, ast.Delete):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    names.unbind(target.id)
        elif isinstance(node, ast.Raise):
            self._end()
        elif isinstance(node, ast.Assert):
            names.value(node.test)
        else:
            self._compound(node)

    def _compound(self, node: ast.stmt) -> None:
        """The statements whose inner ones may not run."""
        names = self._names
        if isinstance(node, ast.If):
            self._if(node)
        elif isinstance(node, (ast.For, ast.AsyncFor)):
            value = names.iterated(node.iter)
            with names.unsure():
                self._captured(value)
                self._bind(node.target, names.item(value))
                self._all(node.body)
            self._maybe(node.orelse)
        elif isinstance(node, ast.While):
            names.value(node.test)
            self._maybe([*node.body, *node.orelse])
        elif isinstance(node, ast.Match):
            self._captured(names.value(node.subject))
            for case in node.cases:
                with names.unsure():
                    for one in ast.walk(case.pattern):
                        if isinstance(name := getattr(one, "name", None), str):
                            names.bind(name, UNKNOWN)
                    self._all(case.body)
        else:  # try, and try with except*
            self._maybe(getattr(node, "body", []))
            for handler in getattr(node, "handlers", []):
                if handler.name:
                    with names.unsure():
                        names.bind(handler.name, UNKNOWN)  # Python deletes it in the end
                self._maybe(handler.body)
            self._maybe([*getattr(node, "orelse", []), *getattr(node, "finalbody", [])])

    def _captured(self, value: Value) -> None:
        """A pattern may bind it, or what is in it, to a name."""
        self._names.computes |= value.kind is Kind.HOLDER
        if value.kind is Kind.DAG:
            self._names.dags[value.number].maybe = True

    def _if(self, node: ast.If) -> None:
        if is_never(node):
            self._all(node.orelse)
        else:
            self._names.value(node.test)
            self._maybe(node.body)
            self._maybe(node.orelse)

    def _assign(self, targets: list[ast.expr], node: ast.expr) -> None:
        names = self._names
        first = targets[0]
        if (
            len(targets) == 1
            and isinstance(first, (ast.Tuple, ast.List))
            and isinstance(node, (ast.Tuple, ast.List))
            and len(first.elts) == len(node.elts)
            and not any(isinstance(one, ast.Starred) for one in (*first.elts, *node.elts))
        ):
            values = [names.value(one) for one in node.elts]
            for target, value in zip(first.elts, values, strict=True):
                self._bind(target, value)
            return
        value = names.value(node)
        for target in targets:
            self._may_wrap(target, node, value)
            self._bind(target, value)

    def _may_wrap(self, target: ast.expr, node: ast.expr, value: Value) -> None:
        """`dag = wrap(dag)`: the DAG may still be what the name holds."""
        before = self._names.names.get(target.id) if isinstance(target, ast.Name) else None
        if before is None or before.kind is not Kind.DAG or value.kind is Kind.DAG:
            return
        name = target.id  # type: ignore[attr-defined]
        if any(isinstance(one, ast.Name) and one.id == name for one in ast.walk(node)):
            self._names.dags[before.number].maybe = True

    def _bind(self, target: ast.expr, value: Value) -> None:
        names = self._names
        if isinstance(target, ast.Name):
            names.bind(target.id, value)
        elif isinstance(target, (ast.Tuple, ast.List)):
            names.computes |= value.kind is Kind.HOLDER
            for one in target.elts:
                self._bind(one, names.item(value))
        elif isinstance(target, ast.Starred):
            self._bind(target.value, UNKNOWN)
        elif isinstance(target, (ast.Subscript, ast.Attribute)):
            self._put(target, names.value(target.value), value)

    def _put(self, target: ast.Subscript | ast.Attribute, base: Value, value: Value) -> None:
        """Something becomes an item or attribute of `base`."""
        names = self._names
        if base.kind is Kind.DAG and isinstance(target, ast.Attribute) and target.attr in _IDS:
            names.dags[base.number].dag_id = None
        if base.kind is Kind.NAMESPACE:
            names.computes |= value.kind not in (Kind.INERT, Kind.AIRFLOW)
            key = target.slice if isinstance(target, ast.Subscript) else ast.Constant(target.attr)
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                with names.unsure():
                    names.bind(key.value, value)
        elif isinstance(target.value, ast.Name) and value.kind is Kind.DAG and base.kind is not Kind.DAG:
            names.bind(target.value.id, Value(Kind.HOLDER))

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        for name, value in imported_names(node):
            if name != "*":
                self._names.bind(name, value)
            elif not value.path.startswith("builtins.") and (value.kind is Kind.OWN or is_of_airflow(value)):
                self._names.star = True

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        names = self._names
        for default in (*node.args.defaults, *node.args.kw_defaults):
            if default is not None:
                names.value(default)
        decorators = [(one, names.value(one)) for one in node.decorator_list]
        kinds = {value.kind for _, value in decorators}
        single = decorators[0][1] if len(decorators) == 1 else None
        if Kind.DAG_DECORATOR in kinds:
            names.bind(node.name, self._dag_function(node, single))
        elif Kind.ASSET_DECORATOR in kinds:
            call = single.call if single is not None and single.path else None
            multi = single is not None and single.path.endswith(".multi")
            dag_id = None
            if call is not None:
                dag_id = (
                    names.arguments.dag_id(call, absent=node.name)
                    if multi
                    else names.arguments.asset_dag_id(call, node.name)
                )
            names.enter(names.make(dag_id, node.lineno))
            names.bind(node.name, INERT)
        else:
            names.bind(node.name, self._plain_function(node))

    def _dag_function(self, node: ast.FunctionDef | ast.AsyncFunctionDef, single: Value | None) -> Value:
        names = self._names
        if single is None or not names.sure:
            return Value(Kind.DAG_FUNCTION, line=node.lineno)
        if single.call is None:
            bare = ast.Call(node.decorator_list[0], [], [])
            return Value(Kind.DAG_FUNCTION, dag_id=node.name, line=node.lineno, call=bare, node=node)
        dag_id = names.arguments.dag_id(single.call, absent=node.name)
        return Value(
            Kind.DAG_FUNCTION,
            dag_id=dag_id,
            registers=names.arguments.registers(single.call),
            line=node.lineno,
            call=single.call,
            node=node,
        )

    def _plain_function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> Value:
        """A function without Airflow's `@dag`: perhaps a task, or a helper that makes DAGs when it is called."""
        for decorator in node.decorator_list:
            plain = decorator.func if isinstance(decorator, ast.Call) else decorator
            value = self._names.named(plain)
            if is_of_airflow(value):
                return INERT
            if value.kind is Kind.OWN:
                name = called_name(ast.Call(plain, [], []), value)
                if speaks_of_a_dag(name, many=False):
                    return Value(Kind.OWN, name)
        return Value(Kind.FUNCTION, node=node)

    def _class(self, node: ast.ClassDef) -> None:
        names = self._names
        for one in (*node.decorator_list, *node.bases, *(word.value for word in node.keywords)):
            names.value(one)
        before, names.in_class = names.in_class, True
        self._maybe(node.body)
        names.in_class = before
        names.bind(node.name, Value(Kind.CLASS, node=node))

    def _with(self, node: ast.With | ast.AsyncWith) -> None:
        names = self._names
        swallows = False
        for item in node.items:
            value = names.value(item.context_expr)
            names.enter(value)
            if item.optional_vars is not None:
                self._bind(item.optional_vars, value)
            call = item.context_expr
            if isinstance(call, ast.Call):
                swallows |= called_name(call, names.named(call.func)).endswith("suppress")
        if swallows:
            self._maybe(node.body)
        else:
            self._all(node.body)

    def _may_end(self, node: ast.expr) -> None:
        if isinstance(node, ast.Call) and self._names.named(node.func).path in _EXITS:
            self._end()

    def _end(self) -> None:
        if self._names.sure:
            self._ends = True
            self._names.sure = False


def is_never(node: ast.If) -> bool:
    """Whether its condition does not hold where Airflow imports the file."""
    test = ast.unparse(node.test) if isinstance(node.test, (ast.Name, ast.Attribute, ast.Compare)) else ""
    return test in _NEVER or test.rpartition(".")[2] == "TYPE_CHECKING"
