"""What a DAG file's expressions surely stand for, where they are written out or named once."""

from __future__ import annotations

import ast
from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from validator.local.arguments import Arguments
    from validator.local.meanings import Value

_NO_KEYS = (ast.List, ast.Set, ast.Tuple)
_READERS = ("copy", "get", "items", "keys", "values")


class Literals:
    """The literals of one file. A name stands for a literal that it is bound to once and that nothing changes.

    Args:
        tree: the file.
        arguments: the arguments of its calls.
        named: what a dotted name stands for.
    """

    def __init__(self, tree: ast.Module, arguments: Arguments, named: Callable[[ast.expr], Value]) -> None:
        self._tree = tree
        self._arguments = arguments
        self._named = named
        self._uses: dict[str, list[tuple[ast.AST, ast.AST]]] | None = None

    def resolved(self, node: ast.expr) -> ast.expr | None:
        """The expression, or the one that its name stands for; None: it cannot be known."""
        if not isinstance(node, ast.Name):
            return node
        found = self._arguments.bound(node.id)
        if found is None or isinstance(found, ast.Name):
            return None
        return found if _is_fixed(found) or self._is_only_read(node.id, found) else None

    def given(self, call: ast.Call, name: str) -> tuple[bool, ast.expr | None]:
        """Whether the call's keyword argument `name` is known, and what it is; None: it is not given."""
        if any(word.arg is None and self.resolved(word.value) is None for word in call.keywords):
            return False, None
        return self._arguments.given(call, name)

    def text(self, node: ast.expr) -> str | None:
        """A text; None: it is none, or unknown."""
        found = self.resolved(node)
        return found.value if isinstance(found, ast.Constant) and isinstance(found.value, str) else None

    def number(self, node: ast.expr) -> int | None:
        """A whole number; None: it is none, or unknown."""
        found = self.resolved(node)
        return found.value if isinstance(found, ast.Constant) and type(found.value) is int else None

    def is_none(self, node: ast.expr) -> bool:
        """Whether it is surely `None`."""
        found = self.resolved(node)
        return isinstance(found, ast.Constant) and found.value is None

    def texts(self, node: ast.expr) -> tuple[str, ...] | None:
        """The texts of a list, tuple or set; None: it is none of these, or not all in it is known to be text."""
        found = self.resolved(node)
        if isinstance(found, ast.BinOp) and isinstance(found.op, (ast.Add, ast.BitOr)):
            sides = self.texts(found.left), self.texts(found.right)
            return None if None in sides else sides[0] + sides[1]  # type: ignore[operator]
        if not isinstance(found, (ast.List, ast.Tuple, ast.Set)):
            return None
        texts: list[str] = []
        for one in found.elts:
            if isinstance(one, ast.Starred):
                more = self.texts(one.value)
            else:
                text = self.text(one)
                more = None if text is None else (text,)
            if more is None:
                return None
            texts += more
        return tuple(texts)

    def entry(self, node: ast.expr, key: str) -> tuple[bool, ast.expr | None]:
        """Whether a dictionary's entry is known, and what it is; None: it has none."""
        found = self.resolved(node)
        if isinstance(found, ast.Constant) and found.value is None:
            return True, None
        return (False, None) if found is None else self._arguments.entry(found, key)

    def _is_only_read(self, name: str, literal: ast.expr) -> bool:
        """Whether no use of the name can change what it holds, or let others do so."""
        if self._uses is None:
            self._uses = _uses(self._tree)
        parts = _parts(literal)
        is_flat = all(isinstance(part, ast.Constant) for part in parts)
        is_sealed = isinstance(literal, _NO_KEYS) or all(map(_is_fixed, parts))
        return all(self._reads(name, parent, above, is_flat, is_sealed) for parent, above in self._uses[name])

    def _reads(self, name: str, parent: ast.AST, above: ast.AST, is_flat: bool, is_sealed: bool) -> bool:  # noqa: FBT001 - one rule of two
        """Whether a use only reads; a copy of what is not sealed holds the same lists, which can be changed there."""
        if isinstance(parent, ast.keyword):
            called = isinstance(above, ast.Call) and self._named(above.func).path.startswith("airflow.")
            return called or (parent.arg is None and is_sealed)
        if isinstance(parent, ast.Dict):
            unpacked = [value for key, value in zip(parent.keys, parent.values, strict=True) if key is None]
            return is_sealed and any(isinstance(value, ast.Name) and value.id == name for value in unpacked)
        if isinstance(parent, ast.Subscript):
            return is_flat and isinstance(parent.ctx, ast.Load)
        if isinstance(parent, ast.Attribute):
            return is_flat and parent.attr in _READERS
        return isinstance(parent, (ast.Starred, ast.Compare)) or (is_sealed and isinstance(parent, ast.BinOp))


def _parts(literal: ast.expr) -> list[ast.expr]:
    """What a container holds, but for the keys of a dictionary; what is none holds itself."""
    if isinstance(literal, ast.Dict):
        return literal.values
    if isinstance(literal, ast.Call):
        return [*literal.args, *(word.value for word in literal.keywords)]
    return getattr(literal, "elts", [literal])


def _is_fixed(node: ast.expr) -> bool:
    """Whether it is surely nothing that can be changed in place; of calls, only what Airflow makes is of use."""
    if isinstance(node, ast.Call):
        return not (isinstance(node.func, ast.Name) and node.func.id in ("dict", "list", "set"))
    return isinstance(node, ast.Constant)


def _uses(tree: ast.Module) -> defaultdict[str, list[tuple[ast.AST, ast.AST]]]:
    """Where each name is read, anywhere in the file: the node around it, and the one around that."""
    found: defaultdict[str, list[tuple[ast.AST, ast.AST]]] = defaultdict(list)
    todo: list[tuple[ast.AST, ast.AST]] = [(tree, tree)]
    while todo:
        node, above = todo.pop()
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Name) and isinstance(child.ctx, ast.Load):
                found[child.id].append((node, above))
            todo.append((child, node))
    return found
