"""What the arguments of a call say literally of a DAG."""

from __future__ import annotations

import ast
from collections import Counter
from typing import TYPE_CHECKING, TypeGuard

from validator.local.meanings import Registers

if TYPE_CHECKING:
    from collections.abc import Iterator

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)


class Arguments:
    """The literal arguments of one module's calls; a name stands for a literal that it is bound to only once.

    Args:
        tree: the module.
        volatile: the names that its functions may assign.
    """

    def __init__(self, tree: ast.Module, volatile: frozenset[str]) -> None:
        self._tree = tree
        self._volatile = volatile
        self._literals: dict[str, ast.expr] | None = None
        self._counts: Counter[str] | None = None

    def dag_id(self, call: ast.Call, *, absent: str | None = None) -> str | None:
        """The literal id in the call's arguments; `absent` where they surely name none; None: unknown."""
        if call.args:
            return self._literal(call.args[0])
        return self._keyword(call, "dag_id", absent)

    def _keyword(self, call: ast.Call, name: str, absent: str | None) -> str | None:
        is_known, value = self.given(call, name)
        if not is_known:
            return None
        return absent if value is None else self._literal(value)

    def given(self, call: ast.Call, name: str) -> tuple[bool, ast.expr | None]:
        """Whether the call's keyword argument `name` is known, and what it is; None: it is not given."""
        for word in call.keywords:
            if word.arg == name:
                return True, word.value
        for word in call.keywords:
            if word.arg is None:
                is_known, value = self.entry(word.value, name)
                if not is_known or value is not None:
                    return is_known, value
        return True, None

    def asset_dag_id(self, call: ast.Call, absent: str) -> str | None:
        """The id of the DAG that an `@asset` call makes of a function that is called `absent`."""
        name = self._keyword(call, "name", absent)
        return self._keyword(call, "dag_id", name)

    def registers(self, call: ast.Call) -> Registers:
        """What the call says of `auto_register`."""
        for word in call.keywords:
            if word.arg == "auto_register":
                return _switch(word.value)
            if word.arg is None:
                is_known, value = self.entry(word.value, "auto_register")
                if not is_known or value is not None:
                    return _switch(value)
        return Registers.YES

    def entry(self, node: ast.expr, name: str) -> tuple[bool, ast.expr | None]:
        """Whether the keys of a dictionary are known, and what it has under `name`; None: nothing."""
        if isinstance(node, ast.Name):
            node = self.bound(node.id) or node
        if isinstance(node, ast.Dict):
            pairs = {
                key.value: value
                for key, value in zip(node.keys, node.values, strict=True)
                if isinstance(key, ast.Constant)
            }
            return len(node.keys) == sum(isinstance(key, ast.Constant) for key in node.keys), pairs.get(name)
        if _is_dict_call(node):
            words = {word.arg: word.value for word in node.keywords}
            return None not in words, words.get(name)
        return False, None

    def _literal(self, node: ast.expr) -> str | None:
        if isinstance(node, ast.Name):
            node = self.bound(node.id) or node
        return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None

    def bound(self, name: str) -> ast.expr | None:
        """The value of a name that is bound once in the whole module, unconditionally; None: it is not."""
        if self._literals is None:
            self._literals = {
                bound: value for bound, value in _top_values(self._tree) if self.is_bound_once(bound)
            }
        return self._literals.get(name)

    def is_bound_once(self, name: str) -> bool:
        """Whether the module binds the name once, wherever, and no function of it can."""
        if self._counts is None:
            self._counts = Counter(_bound_names(self._tree))
        return self._counts[name] == 1 and name not in self._volatile


def _switch(node: ast.expr | None) -> Registers:
    if not isinstance(node, ast.Constant) or not isinstance(node.value, bool):
        return Registers.MAYBE
    return Registers.YES if node.value else Registers.NO


def _is_dict_call(node: ast.expr) -> TypeGuard[ast.Call]:
    named = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "dict"
    return named and isinstance(node, ast.Call) and not node.args


def declared_global(tree: ast.Module) -> frozenset[str]:
    """The names of the module that its functions may assign."""
    return frozenset(name for node in ast.walk(tree) if isinstance(node, ast.Global) for name in node.names)


def _bound_names(tree: ast.Module) -> Iterator[str]:
    """Every binding of a name of the module, conditional or not, and every change of a dictionary in place."""
    todo: list[ast.AST] = [tree]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, (ast.Subscript, ast.Attribute)):
            if isinstance(node.value, ast.Name) and _changes_in_place(node):
                yield node.value.id
        elif isinstance(node, ast.alias):
            yield node.asname or node.name.partition(".")[0]
            continue
        for key in ("name", "rest"):  # of functions, classes, except, match
            if isinstance(bound := getattr(node, key, None), str):
                yield bound
        if not isinstance(node, _FUNCTIONS):
            todo += ast.iter_child_nodes(node)


def _top_values(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            yield node.targets[0].id, node.value
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
            yield node.target.id, node.value


def _changes_in_place(node: ast.Subscript | ast.Attribute) -> bool:
    if isinstance(node, ast.Attribute):
        return node.attr in ("update", "setdefault", "pop")
    return not isinstance(node.ctx, ast.Load)
