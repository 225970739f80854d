"""What the arguments of a call say of the task or the task group that it makes, and the tasks of one DAG."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from validator.local.literals import Literals
    from validator.local.meanings import Value

_OPERATOR = re.compile(
    r"airflow\.(operators|sensors|providers|models|sdk)\.(\w+\.)*\w*(Operator|Sensor)(Async)?"
    r"|airflow\.(\w+\.)*ExternalTaskMarker"
)
_DECORATOR = re.compile(
    r"airflow\.(?:decorators|sdk)\.(task_group|task|setup|teardown)(?:\.(?!run_if|skip_if)\w+)?"
)
_SUFFIX = re.compile(r"__\d+$")


MOST = 2_000
"""So many tasks of one DAG are looked at: Airflow compares each with all others."""


class Unclear(Exception):
    """Which tasks a file makes cannot be known without running it."""


@dataclass(frozen=True)
class Group:
    """A task group."""

    group_id: str
    """With those of the groups around it."""
    prefixes: bool
    """What is in it has its id before its own."""
    owner: str | None
    """Of its tasks, by its `default_args` or those of the groups around it; the same as for a `Maker`."""

    def child(self, label: str) -> str:
        """The full id of what is in it."""
        return f"{self.group_id}.{label}" if self.prefixes else label


@dataclass(frozen=True)
class Place:
    """Where tasks go: a DAG, by its number, and a group in it; None: none."""

    dag: int
    group: Group | None = None

    def child(self, label: str) -> str:
        """The full id of what goes there."""
        return label if self.group is None else self.group.child(label)


@dataclass(frozen=True)
class Maker:
    """What makes a task or a group, once or each time that it is called."""

    label: str | None
    """The id that it is given; None: unknown."""
    owner: str | None = ""
    """Empty: it states none; None: unknown."""
    unique: bool = False
    """TaskFlow: an id that is taken gets a number."""
    partial: bool = False
    """It is an operator's `partial(...)`, and makes a task only by `expand(...)`."""
    prefixes: bool = True
    """For a group."""
    function: ast.AST | None = None
    """For a group that is a function."""
    scope: Mapping[str, Value] | None = None
    """The names around that function."""


@dataclass
class TaskList:
    """The tasks of one DAG."""

    owner: str | None
    """By the DAG's `default_args`; the same as for a `Maker`."""
    ids: set[str] = field(default_factory=set)
    owners: set[str | None] = field(default_factory=set)
    """None: that of a task is unknown."""
    _groups: set[str] = field(default_factory=set)

    def add(self, maker: Maker, place: Place, *, mapped: bool) -> None:
        """One more task.

        Raises:
            Unclear: its id is unknown or taken.
        """
        if maker.label is None or len(self.ids) >= MOST:
            raise Unclear
        task_id = place.child(maker.label)
        if task_id in self.ids:
            task_id = place.child(self._numbered(maker, task_id))
        self.ids.add(task_id)
        owner = maker.owner
        if owner == "" and place.group is not None:
            owner = place.group.owner
        if owner == "":
            owner = self.owner
        # Nobody stated one: the configuration names it. Of mapped tasks Airflow 3 lists none.
        self.owners.add(None if mapped or owner == "" else owner)

    def _numbered(self, maker: Maker, task_id: str) -> str:
        """The label of a TaskFlow task whose id is taken: Airflow counts what looks like it."""
        if not maker.unique or maker.label is None or _SUFFIX.search(maker.label):
            raise Unclear
        # As in Airflow, a dot of the id stands for any character.
        taken = [match for one in self.ids if (match := re.fullmatch(rf"{task_id}__(\d+)", one))]
        return f"{maker.label}__{max((int(match[1]) for match in taken), default=0) + 1}"

    def group(self, maker: Maker, place: Place) -> Group:
        """One more group.

        Raises:
            Unclear: its id is unknown or taken anywhere in the DAG: which number it gets differs by version.
        """
        if maker.label is None or maker.label in self._groups:
            raise Unclear
        self._groups.add(maker.label)
        owner = maker.owner
        if owner == "" and place.group is not None:
            owner = place.group.owner
        return Group(place.child(maker.label), maker.prefixes, owner)


def is_operator(path: str) -> bool:
    """Whether it is one of Airflow's or its providers' operators or sensors, each of which makes one task."""
    return _OPERATOR.fullmatch(path) is not None


def decorator(path: str) -> str:
    """Which of Airflow's decorators for tasks it is: `task`, `task_group`, `setup`, `teardown`; empty: none."""
    match = _DECORATOR.fullmatch(path)
    return match[1] if match else ""


class Words:
    """Reads the arguments of calls.

    Args:
        literals: the file's literals.
    """

    def __init__(self, literals: Literals) -> None:
        self._literals = literals
        self.hidden: frozenset[str] = frozenset()
        """Names that mean something else inside the function that is gone through."""

    def word(self, call: ast.Call, name: str) -> ast.expr | None:
        """A keyword argument; None: it is not given.

        Raises:
            Unclear: it may be hidden in a `**`.
        """
        if any(word.arg is None and self._is_hidden(word.value) for word in call.keywords):
            raise Unclear
        is_known, node = self._literals.given(call, name)
        if not is_known:
            raise Unclear
        return node

    def operator(self, call: ast.Call) -> Maker:
        """What `BashOperator(...)` makes."""
        self._refuse(call, "task_group")
        if call.args:
            raise Unclear
        node = self.word(call, "task_id")
        return Maker(None if node is None else self._text(node), self._owner(call))

    def partial(self, call: ast.Call) -> Maker:
        """What `BashOperator.partial(...)` makes."""
        return replace(self.operator(call), partial=True)

    def group(self, call: ast.Call) -> Maker:
        """What `TaskGroup(...)` makes."""
        return self._changed_group(Maker(None, owner=self._owner(call)), call)

    def decorated(self, maker: Maker, call: ast.Call) -> Maker:
        """What a function makes each time that it is called, by the arguments of its decorator.

        Args:
            maker: what it makes without them.
            call: the decorator with its arguments.
        """
        if call.args and maker.function is None:
            raise Unclear
        return self.overridden(maker, call)

    def overridden(self, maker: Maker, call: ast.Call) -> Maker:
        """What `override(...)` changes."""
        if maker.function is not None:
            maker = self._changed_group(maker, call)
        else:
            self._refuse(call, "dag", "task_group")
            node = self.word(call, "task_id")
            if node is not None:
                maker = replace(maker, label=self._text(node))
        owner = self._owner(call)
        return maker if owner == "" else replace(maker, owner=owner)

    def default_owner(self, call: ast.Call) -> str | None:
        """The owner in a DAG's `default_args`; empty: it names none; None: it is unknown."""
        try:
            return self._default(call)
        except Unclear:
            return None

    def _changed_group(self, maker: Maker, call: ast.Call) -> Maker:
        self._refuse(call, "parent_group", "add_suffix_on_collision")
        if len(call.args) > 1:
            raise Unclear
        node = call.args[0] if call.args else self.word(call, "group_id")
        if node is not None:
            maker = replace(maker, label=self._text(node))
        prefixes = self.word(call, "prefix_group_id")
        if prefixes is None:
            return maker
        if not isinstance(prefixes, ast.Constant) or not isinstance(prefixes.value, bool):
            raise Unclear
        return replace(maker, prefixes=prefixes.value)

    def _refuse(self, call: ast.Call, *names: str) -> None:
        if any(self.word(call, name) is not None for name in names):
            raise Unclear

    def _owner(self, call: ast.Call) -> str | None:
        node = self.word(call, "owner")
        return self._default(call) if node is None else self._owner_text(node)

    def _default(self, call: ast.Call) -> str | None:
        node = self.word(call, "default_args")
        if node is None:
            return ""
        is_known, entry = (False, None) if self._is_hidden(node) else self._literals.entry(node, "owner")
        if not is_known:
            return None
        return "" if entry is None else self._owner_text(entry)

    def _owner_text(self, node: ast.expr) -> str | None:
        """An owner that Airflow lists as it is: it puts commas between several."""
        text = self._text(node)
        return text if text and "," not in text and text.strip() == text else None

    def _text(self, node: ast.expr) -> str | None:
        return None if self._is_hidden(node) else self._literals.text(node)

    def _is_hidden(self, node: ast.expr) -> bool:
        return any(isinstance(one, ast.Name) and one.id in self.hidden for one in ast.walk(node))
