"""Which functions of Python's, of Airflow's and of well-known packages surely make no task when a file calls them."""

from __future__ import annotations

from enum import Enum, auto

_NOTHING = frozenset(
    (
        "bool", "bytes", "float", "format", "hasattr", "int", "isinstance", "len", "open", "print", "range",
        "repr", "round", "str",
    )
)  # fmt: skip
_ITEMS = frozenset(
    ("all", "any", "dict", "enumerate", "frozenset", "list", "max", "min", "reversed", "set", "sorted", "sum",
     "tuple", "zip")
)  # fmt: skip
_ROOTS = frozenset(
    (
        "base64", "calendar", "dateutil", "datetime", "decimal", "hashlib", "json", "kubernetes", "logging", "math",
        "os", "pathlib", "pendulum", "pytz", "re", "string", "textwrap", "time", "uuid", "yaml", "zoneinfo",
    )
)  # fmt: skip
_OF_AIRFLOW = frozenset(
    (
        "Asset", "AssetAlias", "AssetAll", "AssetAny", "Connection", "Dataset", "DatasetAlias", "DatasetAll",
        "DatasetAny", "Label", "Metadata", "ObjectStoragePath", "Param", "ParamsDict", "Variable", "XComArg",
    )
)  # fmt: skip
"""Classes: neither they nor their methods make tasks."""
_MODULES = (
    "airflow.configuration.conf.get",
    "airflow.timetables.",
    "airflow.utils.dates.",
    "airflow.utils.timezone.",
    "airflow.utils.weekday.",
)
_RELATING = frozenset(("chain", "chain_linear", "cross_downstream"))


class Calls(Enum):
    """What a call of a function may do, as far as making tasks goes."""

    NOTHING = auto()
    """It looks at single values, and makes others of them."""
    ITEMS = auto()
    """It goes through what it is given, or relates it."""
    LATER = auto()
    """It makes something that can be called later."""
    ANYTHING = auto()


def calls_of(path: str) -> Calls:
    """What calling this does, by the dotted name that it was imported by; Python's own are below `builtins`."""
    root, _, rest = path.partition(".")
    name = path.rpartition(".")[2]
    if root == "builtins":
        return Calls.NOTHING if rest in _NOTHING else Calls.ITEMS if rest in _ITEMS else Calls.ANYTHING
    if root == "airflow":
        if name in _RELATING:
            return Calls.ITEMS
        known = _OF_AIRFLOW.intersection(path.split(".")) or path.startswith(_MODULES)
        return Calls.NOTHING if known else Calls.ANYTHING
    if path == "functools.partial":
        return Calls.LATER
    if root in ("copy", "itertools", "random"):
        return Calls.ITEMS
    return Calls.NOTHING if root in _ROOTS else Calls.ANYTHING
