"""What a name in a DAG file may stand for."""

from __future__ import annotations

import builtins
import re
import sys
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ast

DAG_CLASSES = frozenset(
    f"{module}.DAG"
    for module in (
        "airflow",
        "airflow.models",
        "airflow.models.dag",
        "airflow.sdk",
        "airflow.sdk.definitions.dag",
    )
)
"""Where Airflow 2.10.5 and 3.0.6 have their `DAG`."""
DAG_DECORATORS = frozenset(
    f"{module}.dag"
    for module in ("airflow.decorators", "airflow.models.dag", "airflow.sdk", "airflow.sdk.definitions.dag")
)
"""Where they have `@dag`."""
ASSET_DECORATORS = frozenset(
    f"airflow.sdk{module}.asset{multi}"
    for module in ("", ".definitions.asset.decorators")
    for multi in ("", ".multi")
)
"""Airflow 3: a function decorated with one of these is a DAG at once."""

# fmt: off
_NO_DAG = frozenset((
    "alert", "arg", "args", "backfill", "bag", "bags", "callback", "callbacks", "check", "clear", "conf",
    "config", "configs", "count", "cron", "dagbag", "dagfile", "dagger", "dagid", "dagrun", "dagruns",
    "dagster", "date", "default", "defaults", "delete", "description", "dir", "directory", "doc", "docs",
    "dump", "email", "emails", "end", "env", "export", "failure", "file", "filename", "files", "folder",
    "folders", "has", "hash", "hook", "id", "ids", "interval", "is", "kwargs", "link", "list", "log",
    "logger", "md", "meta", "metadata", "model", "name", "names", "notify", "operator", "option", "options",
    "owner", "owners", "param", "params", "parser", "pause", "path", "paths", "prefix", "print", "regex",
    "retry", "root", "run", "runs", "schedule", "sensor", "settings", "sla", "start", "state", "stats",
    "status", "success", "suffix", "sync", "tag", "tags", "task", "tasks", "template", "test", "timeout",
    "timezone", "trigger", "type", "tz", "unpause", "url", "util", "utils", "validate", "validator",
    "version",
))
# fmt: on
"""A name with one of these words speaks of something that belongs to a DAG."""
# fmt: off
_NO_MAKERS = frozenset((
    "attr", "attrs", "boto3", "botocore", "dateutil", "jinja2", "numpy", "pandas", "pendulum", "pydantic",
    "pytz", "requests", "sqlalchemy", "toml", "yaml",
))
# fmt: on
"""Packages that DAG files often import, and that make no DAGs."""
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


class Kind(Enum):
    """What sort of thing a value is, as far as making DAGs goes."""

    INERT = auto()
    """It has nothing to do with DAGs."""
    UNKNOWN = auto()
    """A loop's variable, a parameter: anything."""
    OWN = auto()
    """It was imported from, or made by, a package that may make DAGs; `path` is its name."""
    AIRFLOW = auto()
    """It belongs to Airflow or to Python and is none of the others; `path` is its name."""
    DAG_CLASS = auto()
    DAG_DECORATOR = auto()
    """`dag`, or `dag(...)`, then with `call`."""
    ASSET_DECORATOR = auto()
    """The same for `asset`."""
    DAG_FUNCTION = auto()
    """A function that `@dag` decorates: calling it makes a DAG. `dag_id`, `registers` and `line` are known."""
    DAG = auto()
    """A DAG; `number` tells which."""
    HOLDER = auto()
    """A container with a DAG in it."""
    FUNCTION = auto()
    """A function or lambda of this file: `node`."""
    CLASS = auto()
    """A class of this file, or one of its objects: `node`."""
    MAKER = auto()
    """Something that makes a DAG when it is called, such as `partial(DAG, ...)`."""
    NAMESPACE = auto()
    """The module's own variables: `globals()`."""
    TASK = auto()
    """A task, a task group, or a container of such; `number` tells which group. Only where tasks are looked for."""
    TASK_MAKER = auto()
    """Something that makes tasks when it is called; `number` tells which. Only where tasks are looked for."""


class Registers(Enum):
    """Whether Airflow keeps a DAG that is used in a `with`, by its `auto_register`."""

    YES = auto()
    NO = auto()
    MAYBE = auto()


@dataclass(frozen=True)
class Value:
    """What a name or an expression stands for."""

    kind: Kind
    path: str = ""
    """The dotted name that it was imported by; empty: it was not."""
    number: int = -1
    """Which DAG."""
    dag_id: str | None = None
    """None: it cannot be known."""
    registers: Registers = Registers.YES
    line: int = 0
    call: ast.Call | None = None
    node: ast.AST | None = None

    def attribute(self, name: str) -> Value:
        """What `.name` of it is."""
        if self.path:
            return imported(f"{self.path}.{name}")
        if self.kind in (Kind.OWN, Kind.CLASS, Kind.MAKER, Kind.NAMESPACE, Kind.INERT):
            return self
        return UNKNOWN if self.kind is Kind.UNKNOWN else INERT

    def same(self, other: Value) -> bool:
        """Whether a name that is bound to both means one thing."""
        one, two = (
            replace(value, path="") if value.kind in (Kind.DAG_CLASS, Kind.DAG_DECORATOR) else value
            for value in (self, other)
        )
        return one == two


INERT = Value(Kind.INERT)
UNKNOWN = Value(Kind.UNKNOWN)
OWN = Value(Kind.OWN)


def imported(path: str) -> Value:
    """What an import by this dotted name, or an attribute of one, stands for."""
    if path in DAG_CLASSES:
        return Value(Kind.DAG_CLASS, path)
    if path in DAG_DECORATORS:
        return Value(Kind.DAG_DECORATOR, path)
    if path in ASSET_DECORATORS:
        return Value(Kind.ASSET_DECORATOR, path)
    root = path.partition(".")[0]
    if root in ("airflow", "builtins") or root in sys.stdlib_module_names or root in _NO_MAKERS:
        return Value(Kind.AIRFLOW, path)
    return Value(Kind.OWN, path)


def builtin(name: str) -> Value | None:
    """What Python itself calls `name`; None: nothing."""
    return Value(Kind.AIRFLOW, f"builtins.{name}") if hasattr(builtins, name) else None


def speaks_of_a_dag(name: str, *, many: bool) -> bool:
    """Whether a name such as `create_dag` or `etl_dag` promises DAGs; `many`: one such as `load_dags` does, too.

    A list of DAGs that is bound to a name is none to Airflow: it looks at single variables.
    """
    words = {word.lower() for word in _WORDS.findall(name)}
    if not any("dag" in word for word in words) or words & _NO_DAG:
        return False
    return many or not any(word.endswith("dags") for word in words)


def may_be_an_id(text: str) -> bool:
    """Whether Airflow takes this for a DAG's id; it allows other alphabets, too, by version."""
    return re.fullmatch(r"[A-Za-z0-9_.-]{1,250}", text) is not None
