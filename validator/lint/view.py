"""A folder of DAG files as one Airflow reads it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from validator.lint.possible import may_make, words_of_imports
from validator.local.imports import module_word
from validator.local.model import Reading
from validator.local.select import dag_files, hidden, ignore_problems

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from validator.local.model import Definition, LocalFile, LocalFolder
    from validator.local.select import IgnoreProblem

READINGS = {2: Reading(glob=False, assets=False), 3: Reading(glob=True, assets=True)}
"""How an Airflow of a major version picks its DAG files, with its default settings."""
_NAMED = 3


@dataclass(frozen=True)
class View:
    """What an Airflow of one major version makes of the folder."""

    folder: LocalFolder
    version: int

    @cached_property
    def read(self) -> Mapping[str, LocalFile]:
        """The files that it reads, by name."""
        return {file.name: file for file in dag_files(self.folder, READINGS[self.version])}

    @cached_property
    def hidden(self) -> Mapping[str, tuple[LocalFile, str]]:
        """The files that it does not read, by name, each with the reason in words."""
        return {file.name: (file, why) for file, why in hidden(self.folder, READINGS[self.version])}

    @cached_property
    def defined(self) -> Mapping[str, Sequence[tuple[str, Definition]]]:
        """Where each id is surely defined in files that it reads: their names, in order."""
        return _by_id(self.read.values())

    @cached_property
    def defined_hidden(self) -> Mapping[str, Sequence[tuple[str, Definition]]]:
        """The same in files that it does not read."""
        return _by_id(file for file, _ in self.hidden.values())

    @cached_property
    def unknown(self) -> Sequence[str]:
        """The files that it reads and that make DAGs whose ids cannot be known."""
        return [file.name for file in self.read.values() if file.computes]

    @cached_property
    def possible(self) -> Sequence[str]:
        """The files that it reads, that make no DAG by themselves, and that may let other modules make some.

        A file that calls other modules and that others import is taken for a helper.
        """
        importing = {
            one
            for name, (file, _) in self.hidden.items()
            if file.certain or file.computes
            for one in self.importers(name)
        }
        return [
            file.name
            for file in self.read.values()
            if not file.certain
            and not file.computes
            and (file.name in importing or (may_make(file) and not self._importing(file.name)))
        ]

    def importers(self, name: str) -> Sequence[str]:
        """The files that it reads and that may import the file `name`: to Airflow, its DAGs are theirs, too."""
        found, todo = {name}, [name]
        while todo:
            new = self._importing(todo.pop()) - found
            found |= new
            todo += new
        return [one for one in self.read if one != name and (one in found or self._words[one] is None)]

    def _importing(self, name: str) -> set[str]:
        """The other files whose imports may mean the file `name`."""
        return self._by_word.get(module_word(name), set()) - {name}

    @cached_property
    def _words(self) -> Mapping[str, Collection[str] | None]:
        """The words of each file's imports; None: they cannot be known."""
        return {file.name: words_of_imports(file) for file in self.folder.files}

    @cached_property
    def _by_word(self) -> Mapping[str, set[str]]:
        """The files by the words of their imports."""
        found: dict[str, set[str]] = {}
        for name, words in self._words.items():
            for word in words or ():
                found.setdefault(word, set()).add(name)
        return found

    @cached_property
    def ignore_problems(self) -> Sequence[IgnoreProblem]:
        """The lines of .airflowignore files that are no patterns to it."""
        return ignore_problems(self.folder, READINGS[self.version])

    def path(self, name: str) -> str:
        """The path on this machine of the file `name`."""
        return self.folder.path(self.folder.deployed_name(name)) or name

    def within(self, deployed: str) -> str | None:
        """The name in the folder of a file of the environment's DAGs folder; None: it is not below the prefix."""
        prefix = f"{self.folder.prefix}/" if self.folder.prefix else ""
        return deployed.removeprefix(prefix) if deployed.startswith(prefix) else None

    def named(self, name: str) -> LocalFile | None:
        """The file that `name` means: the one of that name, or the archive that it would be in; None: there is none."""
        steps = name.split("/")
        for count in range(len(steps), 0, -1):
            file = self._files.get("/".join(steps[:count]))
            if file is not None and (count == len(steps) or file.archive):
                return file
        return None

    @cached_property
    def deployed(self) -> Sequence[str]:
        """Every file's name relative to the environment's DAGs folder."""
        return [self.folder.deployed_name(file.name) for file in self.folder.files]

    @cached_property
    def _files(self) -> Mapping[str, LocalFile]:
        return {file.name: file for file in self.folder.files}


def _by_id(files: Iterable[LocalFile]) -> dict[str, list[tuple[str, Definition]]]:
    found: dict[str, list[tuple[str, Definition]]] = {}
    for file in files:
        for one in file.certain:
            found.setdefault(one.dag_id, []).append((file.name, one))
    return found


def some(names: Sequence[str]) -> str:
    """A few names within a sentence, and how many more there are."""
    shown = [*names[:_NAMED], f"{len(names) - _NAMED:,} more"] if len(names) > _NAMED else list(names)
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
