"""Which DAGs a Python file defines, told from its syntax: nothing is imported or run."""

from __future__ import annotations

import ast
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

from validator.local.expressions import Expressions
from validator.local.module import Module

if TYPE_CHECKING:
    from validator.local.model import Definition

_UNKNOWABLE = "is nested too deeply to be looked into"


@dataclass(frozen=True)
class Found:
    """What a file's bytes say."""

    certain: tuple[Definition, ...] = ()
    """The DAGs that it surely defines, by line; one id may be there twice."""
    computes: bool = False
    """At least one DAG is expected whose id is unknown."""
    problem: str = ""
    """Why it could not be read as Python, for people. Empty: it could."""


def read_definitions(data: bytes) -> Found:
    """The DAGs that a Python file of these bytes defines. No bytes make this raise.

    Certain is what Airflow 2.10.5 and 3.0.6 surely collect if the file's import succeeds: their own `DAG`, and
    functions under their own `@dag` and `@asset`, made at module level and unconditionally, with an id that is
    literal, and entered with `with` or held by a variable at the end. What a file makes in any other way, or
    seems to make with the help of other modules, is told by `computes`. A file that this Python cannot read
    computes, too: Airflow's may be newer.
    """
    try:
        tree = parsed(data)
    except SyntaxError as error:
        where = f" (line {error.lineno})" if error.lineno else ""
        return Found(computes=True, problem=f"is not Python as this version reads it: {error.msg}{where}")
    except (RecursionError, MemoryError):
        return Found(computes=True, problem=_UNKNOWABLE)
    except Exception as error:  # noqa: BLE001 - a file's own encoding may raise anything
        return Found(computes=True, problem=f"cannot be read as Python: {error}")
    try:
        module = Module(tree, Expressions(tree, has_globals=b"global " in data))
        module.run()
    except RecursionError:
        return Found(computes=True, problem=_UNKNOWABLE)
    return Found(module.certain(), module.computes_any())


def parsed(data: bytes | str) -> ast.Module:
    """The syntax of a file; without Python's warnings of it.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: it cannot be read, and others for an odd encoding.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an odd escape in a file is not this program's business
        return ast.parse(data)
