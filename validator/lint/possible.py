"""Files that may make a DAG although nothing in them says so: what they call or import does it. Pure.

A factory need not be called like one. A check demands nothing of such a file; a lint must not call an id undefined that
one of them may make.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from validator.local.bodies import imported_names
from validator.local.definitions import parsed
from validator.local.imports import imported_words
from validator.local.meanings import Kind, Value, imported
from validator.local.module import is_never

if TYPE_CHECKING:
    from validator.local.model import LocalFile

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def may_make(file: LocalFile) -> bool:
    """Whether the file, which seems to make no DAG, may make one while it is imported."""
    if file.text is None or file.certain or file.computes or not file.words:
        return False
    text = file.text.removeprefix("\ufeff")
    if imported_words(text) is None:
        return True  # it imports or runs what its code does not name
    try:
        return _Running(parsed(text)).calls_others()
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return True


def words_of_imports(file: LocalFile) -> frozenset[str] | None:
    """Every name in the imports of what is neither Airflow's nor Python's; None: the code does not name them all."""
    if file.text is None:
        return frozenset()
    text = file.text.removeprefix("\ufeff")
    if imported_words(text) is None:
        return None
    found: set[str] = set()
    for node in ast.walk(parsed(text)):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            module = node.module or "" if isinstance(node, ast.ImportFrom) else ""
            relative = isinstance(node, ast.ImportFrom) and node.level > 0
            for alias in node.names:
                path = f"{module}.{alias.name}".strip(".")
                if relative or imported(path).kind is Kind.OWN:
                    found.update(path.split("."))
    return frozenset(found)


class _Running:
    """What runs while a file is imported."""

    def __init__(self, tree: ast.Module) -> None:
        self._tree = tree
        self._defined: dict[str, list[ast.AST]] = {}
        self._imported: dict[str, Value] = {}
        for node in ast.walk(tree):
            if isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
                self._defined.setdefault(node.name, []).append(node)
            elif isinstance(node, (ast.Import, ast.ImportFrom)):
                self._imported.update(imported_names(node))

    def calls_others(self) -> bool:
        """Whether it calls anything that may make DAGs, or decorates a function with it."""
        todo: list[ast.AST] = [self._tree]
        entered: set[str] = set()
        while todo:
            node = todo.pop()
            if isinstance(node, _FUNCTIONS):
                if any(self._is_foreign(one) for one in node.decorator_list):
                    return True
                todo += node.decorator_list
            elif isinstance(node, ast.If) and is_never(node):
                todo += node.orelse
            else:
                if isinstance(node, ast.Call):
                    if self._is_foreign(node.func):
                        return True
                    name = _root(node.func)
                    if name in self._defined and name not in entered:
                        entered.add(name)
                        todo += self._bodies(name)
                todo += ast.iter_child_nodes(node)
        return False

    def _bodies(self, name: str) -> list[ast.AST]:
        """What may run once this function or class of the file is called."""
        found: list[ast.AST] = []
        for node in self._defined[name]:
            if isinstance(node, ast.ClassDef):
                found += [ast.Call(base, [], []) for base in node.bases]
                found += [inner for one in node.body if isinstance(one, _FUNCTIONS) for inner in one.body]
            elif isinstance(node, _FUNCTIONS):
                found += node.body
        return found

    def _is_foreign(self, node: ast.expr) -> bool:
        value = self._meaning(node)
        return value is not None and value.kind is Kind.OWN

    def _meaning(self, node: ast.expr) -> Value | None:
        if isinstance(node, ast.Attribute):
            base = self._meaning(node.value)
            return base.attribute(node.attr) if base is not None else None
        if isinstance(node, ast.Call):  # `Factory().build()`, or a decorator with arguments
            return self._meaning(node.func)
        return self._imported.get(node.id) if isinstance(node, ast.Name) else None


def _root(node: ast.expr) -> str:
    while isinstance(node, (ast.Attribute, ast.Call)):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""
