"""What the gate remembers between rounds."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from validator.airflow.models import DagFile
    from validator.finding import Finding, Status
    from validator.reasons import Reason


@dataclass(frozen=True)
class Mark:
    """How long a finding has stood as it stands. Times are seconds since the gate's start."""

    status: Status
    reason: Reason | None
    since: float
    ripe_since: float | None = None
    """Since when it has been on the way to a final red without a break; None: it is not."""
    ripe_polls: int = 0
    """In how many rounds in a row it has been so."""
    parse: datetime | None = None
    """The parse that showed it first; None: parses do not matter to it."""


@dataclass(frozen=True)
class FileTrack:
    """The files that a DAG was seen in."""

    now: DagFile
    earlier: tuple[DagFile, ...] = ()
    """Those before, without repetition, the latest last."""
    moved_at: float | None = None
    """Seconds since the gate's start at which it was last seen to change files; None: never."""
    seen_at: float = 0.0
    """Seconds since the gate's start at which the DAG was last on the list."""
    shown: tuple[DagFile, ...] = ()
    """Those that a parse since the new files arrived showed it in: more than one, and they all define it."""
    elsewhere: bool = False
    """Such a parse showed it in another file to another process, which did not leave the file's name."""

    @property
    def is_defined_twice(self) -> bool:
        """Whether more than one file defines it."""
        return len(self.shown) + self.elsewhere > 1


@dataclass(frozen=True)
class SourceTrack:
    """How Airflow's text of a local file compared with the file."""

    read_at: float
    """Seconds since the gate's start at which it was last read."""
    parse: datetime | None = None
    """`last_parsed_time` of the DAG that was asked for, when it was last read."""
    equal_since: datetime | None = None
    """The server's clock at the first of the last unbroken row of equal readings; None: the last was not equal."""
    other: str = ""
    """A digest of the last text before the first equal one; empty: the first reading was equal."""
    superseded: bool = False
    """It was equal, and then in two parses a text that is neither the local file's nor the one before it."""
    held: bool = False
    """It was equal at least once."""
    moved: bool = False
    """It was not equal at least once."""
    lost: datetime | None = None
    """The first of an unbroken row of parses, after it was equal, that show a text which is neither."""


KEY_BYTES = 6
"""Of a digest that stands for a name."""


def key_of(name: str) -> bytes:
    """A short digest that tells one name from another."""
    return sha256(name.encode("utf-8", "surrogatepass")).digest()[:KEY_BYTES]


@dataclass(frozen=True)
class Places:
    """The files that expected DAGs were seen in, in a few bytes: the DAGs fall into buckets."""

    digests: tuple[int, ...]
    """One a bucket, of all its DAGs and their files."""
    moving: frozenset[int] = frozenset()
    """Buckets with a DAG that changed files only just."""
    moved_at: float = 0.0
    """Seconds since the gate's start at which the last of those did."""
    new: frozenset[int] = frozenset()
    """Buckets with one DAG alone, expected by its id, that a parse since the new files arrived showed."""
    names: int = 0
    """A digest of the DAGs that were expected by their ids: the buckets depend on them."""


@dataclass(frozen=True)
class Standing:
    """What stands without being asked for again, in a bit each, or one for several neighbours that all do."""

    names: int
    """A digest of the names that the bits stand for."""
    bits: tuple[bool, ...]
    equal_since: datetime | None = None
    """The latest `SourceTrack.equal_since` of the files among them."""
    moved: bool = False
    """One of those files was not equal at least once."""


@dataclass(frozen=True)
class Recalled:
    """What is left of the rounds of another process: digests in place of names, and not more than fits a token."""

    marks: Mapping[bytes, Mark] = field(default_factory=dict)
    """By `key_of` the finding's id, of findings on their way to a final red."""
    finals: Mapping[bytes, Reason] = field(default_factory=dict)
    """Why it was finally red, by `key_of` the finding's id."""
    more_finals: int = 0
    """So many more were."""
    places: Places | None = None
    standing: Standing | None = None


@dataclass(frozen=True)
class State:
    """Everything that a verdict may rest on beyond the round at hand. Immutable; `decide` makes the next one."""

    deployed_at: datetime | None = None
    """Server's clock; None: the server has not answered yet, or there was no deploy."""
    answered_at: float = 0.0
    """Seconds since the gate's start at which the round of the first sensible answer began."""
    answered: bool = False
    """Airflow gave a sensible answer at least once."""
    marks: Mapping[str, Mark] = field(default_factory=dict)
    """By finding id."""
    finals: Mapping[str, Finding] = field(default_factory=dict)
    """Final reds by finding id. Once final, a red stays."""
    first_final: float | None = None
    """Seconds since the start at which the first red became final."""
    green_since: float | None = None
    """Seconds since the start from which on everything has held without a break; None: it does not."""
    denied_rounds: int = 0
    """In how many rounds in a row Airflow itself refused something."""
    cycle_over_at: datetime | None = None
    """The server's clock when everything listed had been parsed since the files arrived; None: not yet."""
    files: Mapping[str, FileTrack] = field(default_factory=dict)
    """By DAG id, of expected DAGs."""
    sources: Mapping[str, SourceTrack] = field(default_factory=dict)
    """By file name relative to the DAGs folder, of local files."""
    kept: Mapping[str, Finding] = field(default_factory=dict)
    """By finding id: findings that stand without being asked for again. Forgotten, they are just asked for again."""
    objects_held: bool = False
    """S3 has been seen to hold the whole local folder."""
    changed_at: float | None = None
    """Seconds since the gate's start at which what is there turned out to be not what another process had left; None:
    never."""
    recalled: Recalled | None = None
    """What is still to be taken up of another process's rounds; None: nothing."""

    def finals_of(self, area: str) -> frozenset[str]:
        """The subjects in `area` that are finally red."""
        return frozenset(finding.subject for finding in self.finals.values() if finding.area == area)
