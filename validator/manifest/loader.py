"""YAML in, a `Manifest` out, or all that is wrong with it at once."""

from __future__ import annotations

from functools import cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from validator.errors import ManifestError
from validator.manifest.build import build
from validator.manifest.nodes import MAX_BYTES, Node, meaning, read_tree
from validator.manifest.problems import Problem
from validator.manifest.schema import SCHEMA
from validator.manifest.semantics import nonsense, too_long
from validator.manifest.wording import Fault, explain
from validator.undisturbed import undisturbed

with undisturbed():  # a KeyboardInterrupt in the middle of this import is a panic of Rust's, and exit code 1
    import jsonschema_rs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from validator.manifest.model import Manifest

MAX_SHOWN = 50
"""So many problems are told; the rest is counted."""
_MAX_COLLECTED = 5_000
"""So many errors of the schema, and so many others, are looked at: nobody mends more at once."""
_PIECE = 2_000
"""Nodes; so much of a manifest is validated at once, or one entry of it."""
_RIGHT = {"version": 1}
"""What every piece needs to be a manifest; the first has the manifest's own."""
_NOTHING = (
    "nothing is expected, and a gate that checks nothing must not pass; name something under dags, absent, "
    "health.require, variables, connections, pools, mwaa or smoke, or set import_errors.scope to all or "
    "inventory.unexpected to fail"
)


def load_manifest(path: Path | str, environ: Mapping[str, str], *, expects_more: bool = False) -> Manifest:
    """The manifest in the file at `path`, with `${NAME}` taken from `environ`.

    Args:
        path: the file.
        environ: the environment variables.
        expects_more: something else, such as a folder of DAG files, adds to what is expected, so that a manifest
            that expects nothing by itself is no error.

    Raises:
        ManifestError: the file cannot be read, or the manifest is wrong; every problem has its line.
    """
    return parse_manifest(read_bytes(path), str(path), environ, expects_more=expects_more)


def read_bytes(path: Path | str) -> bytes:
    """What is in the manifest's file, and of one that is too large no more than shows it.

    Raises:
        ManifestError: it cannot be read.
    """
    try:
        with Path(path).open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        problem = "there is no such file; check the path"
    except IsADirectoryError:
        problem = "this is a directory; name the manifest's file in it"
    except PermissionError:
        problem = "the file may not be read; check its permissions"
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        problem = f"the file cannot be read: {getattr(error, 'strerror', None) or error}"
    raise ManifestError(str(path), [problem])


def parse_manifest(
    data: bytes, source: str, environ: Mapping[str, str], *, expects_more: bool = False
) -> Manifest:
    """The manifest in `data`; `source` names it in messages, and the rest is as for `load_manifest`.

    Raises:
        ManifestError: the manifest is wrong; it tells every problem with its line.
    """
    root, _ = examine(data, source, environ)
    manifest = build(root.plain(pointed=True))
    if manifest.expects_nothing and not expects_more:
        raise nothing_expected(source, root.line)
    return manifest


def examine(
    data: bytes, source: str, environ: Mapping[str, str], *, forgives_unset: bool = False
) -> tuple[Node, list[Problem]]:
    """The top node of the manifest in `data`, and the problems that were forgiven.

    Args:
        data: the file's bytes.
        source: names it in messages.
        environ: the environment variables.
        forgives_unset: a variable that is not set is no error. A value that needs it is of kind `broken`.

    Raises:
        ManifestError: the manifest is wrong; it tells every problem with its line.
    """
    root, problems = read_tree(data, environ)
    clipped = False
    if root is not None or not problems:
        checked, clipped = _check(root)
        problems += checked
    unset = [problem for problem in problems if problem.variable] if forgives_unset else []
    wrong = [problem for problem in problems if problem not in unset] if unset else problems
    if wrong or root is None:
        raise ManifestError(source, _told(wrong, clipped=clipped))
    return root, unset


def nothing_expected(source: str, line: int) -> ManifestError:
    """The error that a manifest without any expectation is; `source` names it, `line` is its first."""
    return ManifestError(source, [str(Problem(line, "", _NOTHING))])


def _told(problems: list[Problem], *, clipped: bool) -> list[str]:
    """The problems by line, none twice, and not more than can be read."""
    ordered = sorted(dict.fromkeys(problems), key=lambda problem: problem.line)
    lines = [str(problem) for problem in ordered]
    if len(lines) > MAX_SHOWN:
        more = f"… and {'at least ' if clipped else ''}{len(lines) - MAX_SHOWN:,} more"
        lines = [*lines[:MAX_SHOWN], more]
    return lines


@cache
def _validator() -> jsonschema_rs.Validator:
    """The compiled schema; only a manifest that is read pays for it."""
    return jsonschema_rs.Draft202012Validator(SCHEMA)


def _check(root: Node | None) -> tuple[list[Problem], bool]:
    """What is wrong with a manifest that is YAML, and whether there may be more of it."""
    if root is None or (root.kind == "null" and not root.raw):
        return [Problem(1, "", "the manifest is empty; begin it with version: 1")], False
    if root.kind != "mapping":
        text = f"the manifest is {meaning(root) if root.kind != 'text' else 'only text'}"
        return [Problem(root.line, "", f"{text}; it must be a mapping that begins with version: 1")], False
    huge = list(too_long(root))
    if huge:  # hundreds of thousands of entries would each get their own error, for seconds
        return huge, False
    errors = list(islice(_faults(root), _MAX_COLLECTED))
    # A value of the wrong type fails other keywords too; one problem says enough.
    mistyped = {error.instance_path for error in errors if error.keyword == "type"}
    problems: list[Problem] = []
    for error in errors:
        if error.keyword == "type" or error.instance_path not in mistyped:
            problems += explain(error, root)
    if len(errors) >= _MAX_COLLECTED:
        return problems, True
    nonsensical = list(islice(nonsense(root), _MAX_COLLECTED))
    return [*problems, *nonsensical], len(nonsensical) >= _MAX_COLLECTED


def _faults(root: Node) -> Iterator[Fault]:
    """What the schema's validator finds, piece by piece."""
    for piece, start in _pieces(root):
        for error in _validator().iter_errors(piece):
            path = list(error.instance_path)
            if start and len(path) > 1:
                path[1] = int(path[1]) + start
            unexpected = getattr(error.kind, "unexpected", ())
            yield Fault(tuple(error.schema_path), tuple(path), tuple(unexpected))


def _pieces(root: Node) -> Iterator[tuple[dict[str, Any], int]]:
    """The manifest in pieces that are right if the whole is, each with the index of its first DAG.

    The validator finds every error of what it is given before it tells the first: of a whole manifest with
    200,000 wrong values it would take seconds, and nobody reads them.
    """
    large = {key: node for key, node in root.entries.items() if node.size > _PIECE}
    yield {key: node.plain() for key, node in root.entries.items() if key not in large}, 0
    for key, node in large.items():
        if key != "dags" or node.kind != "list":
            yield {**_RIGHT, key: node.plain()}, 0
            continue
        start = size = 0
        for index, entry in enumerate(node.items):
            size += entry.size
            if size > _PIECE or index == len(node.items) - 1:
                yield {**_RIGHT, key: [item.plain() for item in node.items[start : index + 1]]}, start
                start, size = index + 1, 0
