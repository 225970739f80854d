"""Can the folder be what a manifest expects? One manifest, as one Airflow reads the folder. Pure."""

from __future__ import annotations

from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from validator.lint.codes import Code, Severity
from validator.lint.merge import Judged
from validator.lint.model import Problem
from validator.lint.possible import may_make
from validator.lint.view import some

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from validator.lint.view import View
    from validator.local.model import LocalFile
    from validator.manifest.places import Place, PlacedDag, PlacedManifest, PlacedPattern

HINTS = 10
"""So many names are searched for one that is close: with thousands of DAGs each search takes a moment."""
_CLOSE = 0.75
_MEND_ID = "Mend the id, or add the file that defines it."
_NAME_FILE = "If another file makes it, name that one by `file`."
_MEND_FILE = "Mend `file`, or move the DAG."
_UNHIDE = "If it is meant to be read, take that line out of .airflowignore."
_SAFE_MODE = "If it is meant to be read, let it mention both `airflow` and `dag`, in a comment if need be."


def judge_entries(manifest: PlacedManifest, view: View) -> Iterator[Judged]:
    """What is wrong with the entries of `dags` and `absent`, at most one problem for each."""
    entries = _Entries(manifest, view)
    for index, dag in enumerate(manifest.dags):
        problem = entries.dag(dag)
        if problem is not None:
            yield Judged(("dags", manifest.source, str(index)), problem)
    for index, pattern in enumerate(manifest.patterns):
        problem = entries.pattern(pattern)
        if problem is not None:
            yield Judged(("patterns", manifest.source, str(index)), problem)
    for index, absent in enumerate(manifest.absent):
        problem = entries.absent(absent)
        if problem is not None:
            yield Judged(("absent", manifest.source, str(index)), problem)


def unhide(why: str) -> str:
    """What to do about a file that Airflow does not read for this reason."""
    return _SAFE_MODE if why.startswith("safe mode") else _UNHIDE


class _Entries:
    """The entries of one manifest."""

    def __init__(self, manifest: PlacedManifest, view: View) -> None:
        self._source = manifest.source
        self._view = view
        self._hints = HINTS

    def dag(self, dag: PlacedDag) -> Problem | None:
        """What is wrong with an expected DAG; None: nothing that can be known."""
        if dag.file is not None and dag.file.value is not None:
            return self._in_file(dag.dag_id, dag.file, dag.file.value)
        return self._anywhere(dag.dag_id) if dag.dag_id.value is not None else None

    def pattern(self, entry: PlacedPattern) -> Problem | None:
        """What is wrong with a pattern; None: nothing that can be known."""
        view, pattern = self._view, entry.pattern.value
        if pattern is None or entry.minimum is None:
            return None
        count = sum(1 for dag_id in view.defined if fnmatchcase(dag_id, pattern))
        if count >= entry.minimum:
            return None
        message = (
            f"the pattern {entry.pattern.shown} must match at least {entry.minimum}, and matches {count} of the DAGs that "
            "the files surely define"
        )
        unread = sorted(one for one in view.defined_hidden if fnmatchcase(one, pattern))
        if unread:
            message += f"; Airflow does not read the files of {some(unread)}"
        return self._short(Code.PATTERN_UNMATCHED, message, entry.pattern, "Mend the pattern, or its `min`.")

    def absent(self, entry: Place) -> Problem | None:
        """What is wrong with a DAG that must be gone; None: nothing that can be known."""
        places = self._places(entry)
        if not places:
            return None
        message = f"the DAG {entry.shown} must be gone, and it is defined in {some(places)}"
        advice = "Take it out of one of them."
        return self._of(Severity.ERROR, Code.ABSENT_DEFINED, message, entry, advice, entry)

    def _anywhere(self, dag_id: Place) -> Problem | None:
        """An expected DAG of which no file is told."""
        view, value = self._view, str(dag_id.value)
        if value in view.defined:
            return None
        if value not in view.defined_hidden:
            message = f"no file surely defines the DAG {dag_id.shown}"
            meant = self._meant(dag_id, view.defined)
            return self._short(Code.DAG_UNDEFINED, message, dag_id, _MEND_ID, dag_id, meant)
        name = view.defined_hidden[value][0][0]
        why = view.hidden[name][1]
        message = f"only {view.path(name)} surely defines the DAG {dag_id.shown}, and Airflow does not read it ({why})"
        importers = view.importers(name)
        if importers:
            files = some([view.path(one) for one in importers])
            message += f"; {files} may import it, and the DAG would be there, too"
            advice = f"{unhide(why)} {_NAME_FILE}"
            return self._of(Severity.WARNING, Code.DAG_HIDDEN, message, dag_id, advice, dag_id)
        return self._short(Code.DAG_HIDDEN, message, dag_id, unhide(why), dag_id)

    def _in_file(self, dag_id: Place, file: Place, deployed: str) -> Problem | None:
        """An expected DAG that must be in a certain file."""
        view = self._view
        name = view.within(deployed)
        if name is None:
            return self._elsewhere(dag_id, file, deployed)
        found = view.named(name)
        if found is None:
            places = self._places(dag_id)
            meant = (
                f"; the DAG {dag_id.shown} is defined in {some(places)}"
                if places
                else self._meant(file, view.deployed)
            )
            message = f"{view.folder.root} holds no Python file and no archive that is {file.shown}{meant}"
            return self._of(Severity.ERROR, Code.FILE_MISSING, message, file, _MEND_FILE, dag_id)
        if found.name in view.hidden:
            why = view.hidden[found.name][1]
            message = f"the DAG {dag_id.shown} must be in {file.shown}, which Airflow does not read: {why}"
            return self._of(Severity.ERROR, Code.FILE_HIDDEN, message, file, unhide(why), dag_id)
        return self._defined_in(found, dag_id, file)

    def _defined_in(self, file: LocalFile, dag_id: Place, place: Place) -> Problem | None:
        """An expected DAG, and the file that Airflow reads and that must define it."""
        if dag_id.value is None or any(one.dag_id == dag_id.value for one in file.certain):
            return None
        places = self._places(dag_id)
        if places:
            message = f"the DAG {dag_id.shown} must be in {place.shown}, and it is defined in {some(places)}"
            return self._of(Severity.ERROR, Code.FILE_WRONG, message, place, _MEND_FILE, dag_id)
        hidden = self._view.defined_hidden.get(dag_id.value, ())
        imports = any(file.name in self._view.importers(name) for name, _ in hidden)
        if file.computes or imports or may_make(file):
            why = file.problem or "makes DAGs whose ids only running it would tell"
            if not file.computes:
                why = "makes none by itself, and may let another module make some"
            message = f"whether {place.shown} defines the DAG {dag_id.shown} is not known: it {why}"
            return self._of(Severity.NOTE, Code.DAG_UNDEFINED, message, dag_id, "", dag_id)
        meant = self._meant(dag_id, self._view.defined)
        message = f"{place.shown} does not define the DAG {dag_id.shown}{meant}"
        return self._of(Severity.ERROR, Code.FILE_WRONG, message, place, _MEND_FILE, dag_id)

    def _elsewhere(self, dag_id: Place, file: Place, deployed: str) -> Problem:
        """A file that is not below the prefix."""
        prefix, places = self._view.folder.prefix, self._places(dag_id)
        meant, advice = "", _MEND_FILE
        if self._view.named(deployed) is not None:
            meant = f"; did you mean {prefix}/{file.shown}?"
            advice = "`file` is relative to the environment's DAGs folder: write the prefix in front."
        if places:
            message = f"the DAG {dag_id.shown} must be in {file.shown}, and it is defined in {some(places)}, below {prefix}/"
            return self._of(Severity.ERROR, Code.FILE_WRONG, message + meant, file, advice, dag_id)
        message = f"{file.shown} is not below {prefix}/, so that nothing is known of it here"
        if not meant:
            return self._of(Severity.NOTE, Code.FILE_ELSEWHERE, message, file, "", dag_id)
        return self._of(Severity.WARNING, Code.FILE_ELSEWHERE, message + meant, file, advice, dag_id)

    def _places(self, dag_id: Place) -> list[str]:
        """Where files that Airflow reads define the DAG, for people."""
        found = self._view.defined.get(dag_id.value, ()) if dag_id.value is not None else ()
        return [f"{self._view.path(name)} (line {one.line})" for name, one in found]

    def _meant(self, place: Place, known: Collection[str]) -> str:
        """The name that may have been meant, as the end of a sentence; empty: none is close."""
        if place.value is None or place.value != place.shown or not self._hints:
            return ""  # what is close to a variable's value would tell of it
        self._hints -= 1
        near = get_close_matches(place.value, known, n=1, cutoff=_CLOSE)
        return f"; did you mean {near[0]}?" if near else ""

    def _short(  # noqa: PLR0913 - all that is told of a problem
        self,
        code: Code,
        message: str,
        place: Place,
        advice: str,
        dag_id: Place | None = None,
        meant: str = "",
    ) -> Problem:
        """What is missing in the files: an error, unless others may have it."""
        view, severity = self._view, Severity.WARNING
        unknown = view.unknown or view.possible
        if unknown:
            files = some([view.path(name) for name in unknown])
            message += f"; {files} may do so, since only running would tell which ids are made there"
        elif view.folder.prefix:
            message += f"; what is outside of {view.folder.prefix}/ may do so, and was not looked at"
        else:
            severity = Severity.ERROR
        if severity is Severity.WARNING and dag_id is not None:
            advice = f"{advice} {_NAME_FILE}"
        return self._of(severity, code, message + meant, place, advice, dag_id)

    def _of(  # noqa: PLR0913 - all that is told of a problem
        self, severity: Severity, code: Code, message: str, place: Place, advice: str, dag_id: Place | None
    ) -> Problem:
        named = dag_id.shown if dag_id is not None else None
        return Problem(code, severity, message, self._source, place.line, advice, named)
