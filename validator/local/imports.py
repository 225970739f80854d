"""Which local DAG files stand alone: a change of any other file may change their DAGs too. Pure."""

from __future__ import annotations

import ast
import warnings
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from validator.local.model import LocalFile

_BY_NAME = frozenset(
    [
        "__import__",
        "builtins",
        "eval",
        "exec",
        "imp",
        "import_module",
        "import_string",
        "importlib",
        "locate",
        "module_loading",
        "modules",
        "pkgutil",
        "pydoc",
        "runpy",
    ]
)
"""What imports without saying what."""


def stand_alone(files: Iterable[LocalFile]) -> frozenset[str]:
    """The names of the files that make DAGs and that no other of them imports.

    Any doubt counts against it: a word of an import that is also a file's name, wherever in the code it stands. Where
    one file cannot be read, or imports what its code does not name, none stands alone.
    """
    files = list(files)
    words: dict[str, frozenset[str]] = {}
    for file in files:
        if file.archive and not file.computes:  # data
            continue
        found = imported_words(file.text) if file.text is not None else None
        if found is None:
            return frozenset()
        words[file.name] = found
    importers = Counter(word for found in words.values() for word in found)
    return frozenset(
        file.name
        for file in files
        if file.name in words and (file.certain or file.computes) and not _others(file.name, words, importers)
    )


def is_imported(names: Iterable[str], files: Iterable[LocalFile]) -> bool:
    """Whether one of these files may be imported by a file: if so, what a change of it does cannot be told apart."""
    found: set[str] = set()
    for file in files:
        words = imported_words(file.text) if file.text is not None else None
        if words is None and not (file.archive and not file.computes):
            return True
        found |= words or frozenset()
    return any(module_word(name) in found for name in names)


def module_word(name: str) -> str:
    """What an import calls a file."""
    folder, _, stem = name.rpartition("/")
    module = stem.removesuffix(".py")
    return (folder.rpartition("/")[2] or module) if module == "__init__" else module


def _others(name: str, words: dict[str, frozenset[str]], importers: Counter[str]) -> int:
    """How many other files have an import that could mean this one."""
    module = module_word(name)
    return importers[module] - (module in words[name])


def imported_words(text: str) -> frozenset[str] | None:
    """Every name in the imports of a module; None: they cannot be known."""
    try:
        with warnings.catch_warnings():  # of its escape sequences, on stderr
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(word for alias in node.names for word in alias.name.split("."))
        elif isinstance(node, ast.ImportFrom):
            found.update((node.module or "").split("."))
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.Name):
            found.update({node.id} & _BY_NAME)
        elif isinstance(node, ast.Attribute):
            found.update({node.attr} & _BY_NAME)
    return None if found & _BY_NAME else frozenset(found)
