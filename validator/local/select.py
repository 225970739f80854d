"""Which files of a folder an Airflow reads, and why it does not read the others.

What `.airflowignore` and safe mode mean is taken from `airflow/utils/file.py` of 2.10.5 and 3.0.6.
"""

from __future__ import annotations

import posixpath
import re
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pathspec.pattern import RegexPattern

    from validator.local.model import LocalFile, LocalFolder, Reading

IGNORE_FILE = ".airflowignore"
"""What Airflow calls the files that hide others."""

_COMMENT = re.compile(r"\s*#.*")
_NO_NAME = re.compile(r"!?/+|!?/(\*\*/)+")
"""Globs that match nothing to pathspec 0.12, which Airflow's constraints hold."""
_OPEN_BRACKET = re.compile(r"\\.|\[[!^]?\]?[^\]]*\]|(\[)", re.DOTALL)
_BEYOND_RE2 = re.compile(
    r"""
      (\\[1-9ZuUN])                         # a back reference, or an escape of Python's own
    | \\.
    | \[\^?\]?(?:\\.|[^\]\\])*\]            # nothing inside a class is special
    | (\(\?(?:[=!>\#(]|<[=!]|P=))           # look-around, atomic group, comment, condition, named reference
    | (\(\?[a-zA-Z]*[auxL])                 # flags of Python's own
    | ([*+?}]\+)                            # a possessive repetition
    """,
    re.DOTALL | re.VERBOSE,
)


@dataclass(frozen=True)
class IgnoreProblem:
    """A line of an .airflowignore that does not do what it was written for."""

    file: str
    """The .airflowignore, relative to the folder."""
    line: int
    """1-based."""
    pattern: str
    text: str
    """What is wrong with it and what Airflow does then, for people."""


@dataclass(frozen=True)
class _Rule:
    """One line of an .airflowignore."""

    pattern: str
    base: str | None
    """The folder that the pattern is relative to; None: regular expressions, and globs that match by name."""
    regex: re.Pattern[str] | None = field(compare=False)
    glob: RegexPattern | None = field(compare=False)
    file: str = field(compare=False)
    line: int = field(compare=False)

    def __str__(self) -> str:
        return f"line {self.line} of {self.file}, {self.pattern}"


@dataclass(frozen=True)
class _Folder:
    """What holds in one folder: its rules, or why it is not entered."""

    rules: tuple[_Rule, ...] = ()
    hidden: str = ""


def dag_files(folder: LocalFolder, reading: Reading) -> tuple[LocalFile, ...]:
    r"""The files that an Airflow with this `reading` parses, in the folder's order.

    Airflow's own rules, with these limits. An .airflowignore above `folder.prefix` in the environment is not
    known here. Airflow 2 reads regular expressions with RE2 since 2.7: what RE2 refuses, such as a look-ahead,
    hides nothing, also here; what only RE2 can read (`[[:alpha:]]`, `\pL`, `^*`, `a(?i)b`) is read, or
    refused, as Python does. A glob that is no pattern hides nothing here, while Airflow's scan dies of it:
    `ignore_problems` tells.
    """
    return tuple(file for file, why in _judged(folder, reading) if not why)


def hidden(folder: LocalFolder, reading: Reading) -> tuple[tuple[LocalFile, str], ...]:
    """Each file that an Airflow with this `reading` does not parse, with the reason in words, in the folder's order."""
    return tuple((file, why) for file, why in _judged(folder, reading) if why)


def ignore_problems(folder: LocalFolder, reading: Reading) -> tuple[IgnoreProblem, ...]:
    """The lines of the folder's ignore files that are no patterns to an Airflow with this `reading`, by file and line."""
    return tuple(
        found
        for parent in sorted(folder.ignores)
        for found in _read(folder, parent, reading)
        if isinstance(found, IgnoreProblem)
    )


def _judged(folder: LocalFolder, reading: Reading) -> Iterator[tuple[LocalFile, str]]:
    """Each file, with the reason why it is not read; empty: it is."""
    known = {"": _Folder(_merged((), folder, "", reading))}
    for file in folder.files:
        state = _state(posixpath.dirname(file.name), folder, reading, known)
        rule = None if state.hidden else _deciding(state.rules, folder, file.name, is_folder=False)
        why = state.hidden or (f"{rule} hides it" if rule else "")
        yield file, why or _missed_by_safe_mode(file, reading)


def _state(parent: str, folder: LocalFolder, reading: Reading, known: dict[str, _Folder]) -> _Folder:
    """What holds in the folder `parent`, from the root down; `known` is what was found before."""
    above = known[""]
    steps = parent.split("/") if parent else []
    for count in range(1, len(steps) + 1):
        name = "/".join(steps[:count])
        state = known.get(name)
        if state is None:
            rule = _deciding(above.rules, folder, name, is_folder=True)
            if above.hidden:
                state = above
            elif rule is not None:
                state = _Folder(hidden=f"{rule} hides its folder {name}/")
            else:
                state = _Folder(_merged(above.rules, folder, name, reading))
            known[name] = state
        above = state
    return above


def _merged(
    above: tuple[_Rule, ...], folder: LocalFolder, parent: str, reading: Reading
) -> tuple[_Rule, ...]:
    """The inherited rules and the folder's own. A repeated one keeps its first place, as in Airflow."""
    if parent not in folder.ignores:
        return above
    own = [found for found in _read(folder, parent, reading) if isinstance(found, _Rule)]
    return tuple(dict.fromkeys([*above, *own]))


def _deciding(rules: tuple[_Rule, ...], folder: LocalFolder, name: str, *, is_folder: bool) -> _Rule | None:
    """The rule that hides `name`, a file or folder; None: nothing does."""
    decided: _Rule | None = None
    for rule in rules:
        if rule.regex is not None and rule.regex.search(folder.deployed_name(name)):
            return rule
        if rule.glob is None:
            continue
        path = posixpath.basename(name) if rule.base is None else name[len(rule.base) :].lstrip("/")
        if is_folder and rule.pattern.endswith("/"):
            path += "/"
        if rule.glob.include is not None and rule.glob.match_file(path) is not None:
            decided = rule if rule.glob.include else None
    return decided


def _missed_by_safe_mode(file: LocalFile, reading: Reading) -> str:
    if not reading.safe_mode or file.archive:
        return ""
    missing = [] if "airflow" in file.words else ["airflow"]
    if reading.assets and not file.words & {"dag", "asset"}:
        missing.append("dag or asset")
    elif not reading.assets and "dag" not in file.words:
        missing.append("dag")
    return f"safe mode leaves it out: it does not mention {' nor '.join(missing)}" if missing else ""


def _read(folder: LocalFolder, parent: str, reading: Reading) -> Iterator[_Rule | IgnoreProblem]:
    """The lines of one ignore file: rules, and those that are none."""
    file = posixpath.join(parent, IGNORE_FILE)
    for number, line in enumerate(folder.ignores[parent].split("\n"), 1):
        pattern = _COMMENT.sub("", line)
        if not pattern:
            continue
        try:
            if reading.glob:
                rule = _glob_rule(pattern, parent, file, number)
            else:
                rule = _Rule(pattern, None, _regex(pattern, re2=not reading.assets), None, file, number)
        except (re.error, ValueError, OverflowError, RecursionError, DeprecationWarning) as error:
            kind = "glob" if reading.glob else "regular expression"
            effect = "Airflow cannot list any DAG file" if reading.glob else "Airflow ignores the line"
            yield IgnoreProblem(file, number, pattern, f"is no {kind}, and {effect}: {error}")
            continue
        if rule is not None:
            yield rule


def _regex(pattern: str, *, re2: bool) -> re.Pattern[str]:
    """The compiled expression.

    Raises:
        ValueError: RE2 refuses it.
        re.error: Python refuses it.
    """
    if re2 and any(any(found) for found in _BEYOND_RE2.findall(pattern)):
        raise ValueError("Airflow 2 reads it with RE2, which has no look-around and no back references")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what looks odd to Python is Airflow's to tell
        warnings.simplefilter("error", DeprecationWarning)  # flags that Python refuses from 3.11 on
        return re.compile(pattern, re.ASCII if re2 else 0)  # RE2's \w knows no other alphabets


def _glob_rule(pattern: str, parent: str, file: str, line: int) -> _Rule | None:
    """The rule of a glob; None: it matches nothing.

    Raises:
        ValueError, re.error: it is no pattern.
    """
    from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern  # noqa: PLC0415 - only globs pay for it

    if _NO_NAME.fullmatch(pattern.strip()):
        return None
    # Airflow's constraints hold pathspec 0.12, which drops leading blanks and takes a bracket without an end as one.
    plain = _OPEN_BRACKET.sub(lambda match: r"\[" if match[1] else match[0], pattern.lstrip())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the same as for expressions
        compiled = GitIgnoreSpecPattern(plain)
    anchored = pattern.startswith("/") or "/" in pattern.rstrip("/")
    return _Rule(pattern, parent if anchored else None, None, compiled, file, line)
