"""A wait's memory as text that fits where AWS lets a caller keep it: CodePipeline takes 2,048 characters.

Layout: a digest of the settings and of what follows, then fixed fields, then lists of bounded length, each behind its
count; all of it in base64. The digest finds damage and mix-ups. It is no secret: who may write tokens may answer the
job anyway.
"""

from __future__ import annotations

import base64
import math
import struct
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from validator import __version__
from validator.errors import UsageError
from validator.finding import Status
from validator.gate import begun
from validator.memory import BITS, BUCKETS, FINALS, MARKS
from validator.reasons import Reason
from validator.service import Memory
from validator.state import KEY_BYTES, Mark, Places, Recalled, Standing, State

if TYPE_CHECKING:
    from collections.abc import Iterable

    from validator.settings import Settings

LIMIT = 2_048
"""Characters that a CodePipeline job's continuation token may have."""

_FORMAT = "1."
_DIGEST = 9
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_NEVER = -(2**63)
_LONGEST = 2 * 86_400.0
"""Seconds: no span in a token is longer than a day, and a wait's last look may come late."""
_NUMBERS = struct.Struct(">IIBI???")
_SPANS = struct.Struct(">ddddddd")
_LEAST = (0.0, 0.0, 0.0, -_LONGEST, 0.0, 0.0, 0.0)
"""The least of each. The first answer may lie before the wait's start: a later Date told more of the server's clock."""
_TIMES = struct.Struct(">qqq")
_MARK = struct.Struct(f">{KEY_BYTES}sBBffHq")
_FINAL = struct.Struct(f">{KEY_BYTES}sB")
_PLACES = struct.Struct(">dH")
_STANDING = struct.Struct(">IHq?")
_STATUSES = tuple(Status)
_REASONS = (None, *Reason)


class BadToken(UsageError):
    """A token that cannot be gone on with."""

    def __init__(self, why: str) -> None:
        super().__init__(
            f"the token {why}",
            advice="Send a token back as it was given, with the same settings and the same version of the function; "
            "or start the gate anew, without a token.",
        )


def pack(memory: Memory, settings: Settings) -> str:
    """The token that stands for `memory` of a wait with these settings; at most `LIMIT` characters."""
    payload = _packed(memory)
    text = _FORMAT + base64.urlsafe_b64encode(_digest(settings, payload) + payload).decode("ascii").rstrip(
        "="
    )
    if len(text) > LIMIT:  # pragma: no cover - every part is bounded, and a test packs the largest
        raise ValueError(f"a token of {len(text)} characters")
    return text


def unpack(text: object, settings: Settings) -> Memory:
    """The memory that `pack` made into `text`.

    Raises:
        BadToken: it is no such text, or not one of a wait with these settings.
    """
    if not isinstance(text, str) or not text.startswith(_FORMAT):
        raise BadToken("is none that this version of the gate gives")
    if len(text) > LIMIT:
        raise BadToken(f"is {len(text):,} characters long, and none is longer than {LIMIT:,}")
    try:
        body = text[len(_FORMAT) :]
        data = base64.b64decode(body + "=" * (-len(body) % 4), altchars=b"-_", validate=True)
    except ValueError:
        raise BadToken("was changed or cut off") from None
    digest, payload = data[:_DIGEST], data[_DIGEST:]
    if digest != _digest(settings, payload):
        raise BadToken(
            "was changed, or belongs to another wait: other settings, another manifest or artifact"
        )
    try:
        return _unpacked(_Reader(payload), settings)
    except (ValueError, IndexError, OverflowError, struct.error):
        raise BadToken("holds nothing that can be read") from None


def fingerprint(settings: Settings) -> str:
    """A digest of all that a wait is about: what is expected, where, and by which rules."""
    folder = settings.folder
    plain = (settings.target, settings.rules, settings.dags_s3)
    found = sha256(repr((__version__, plain, settings.manifest)).encode("utf-8", "surrogatepass"))
    if folder is not None:
        found.update(repr((folder.root, folder.fingerprint())).encode("utf-8", "surrogatepass"))
    return found.hexdigest()


def _digest(settings: Settings, payload: bytes) -> bytes:
    return sha256(fingerprint(settings).encode() + payload).digest()[:_DIGEST]


def _micros(moment: datetime | None) -> int:
    return _NEVER if moment is None else (moment - _EPOCH) // timedelta(microseconds=1)


def _moment(micros: int) -> datetime | None:
    return None if micros == _NEVER else _EPOCH + timedelta(microseconds=micros)


def _or_nan(span: float | None) -> float:
    return math.nan if span is None else span


def _span(number: float, least: float = 0.0) -> float | None:
    if math.isnan(number):
        return None
    if not least <= number <= _LONGEST:
        raise ValueError("no span of time")
    return number


def _packed(memory: Memory) -> bytes:
    outcome, state = memory.outcome, memory.outcome.state
    recalled = state.recalled or Recalled()
    numbers = (memory.calls, memory.repeats, min(state.denied_rounds, 255), recalled.more_finals)
    spans = (state.answered_at, state.first_final, state.green_since, state.changed_at)
    times = (memory.started_at, state.deployed_at, state.cycle_over_at)
    marks = [
        _MARK.pack(
            key,
            _STATUSES.index(mark.status),
            _REASONS.index(mark.reason),
            mark.since,
            _or_nan(mark.ripe_since),
            min(mark.ripe_polls, 65_535),
            _micros(mark.parse),
        )
        for key, mark in recalled.marks.items()
    ]
    finals = [_FINAL.pack(key, _REASONS.index(reason)) for key, reason in recalled.finals.items()]
    return b"".join(
        [
            _NUMBERS.pack(
                *(min(number, 2**32 - 1) for number in numbers),
                outcome.timed,
                state.answered,
                state.objects_held,
            ),
            _SPANS.pack(outcome.timeout, outcome.too_short_by, outcome.took, *map(_or_nan, spans)),
            _TIMES.pack(*map(_micros, times)),
            bytes([len(marks)]),
            *marks,
            bytes([len(finals)]),
            *finals,
            _packed_places(recalled.places),
            _packed_standing(recalled.standing),
        ]
    )


def _packed_places(places: Places | None) -> bytes:
    if places is None:
        return b"\0"
    digests = b"".join(digest.to_bytes(3, "big") for digest in places.digests)
    bits = _bits(places.moving, BUCKETS) + _bits(places.new, BUCKETS)
    return b"\1" + _PLACES.pack(places.moved_at, places.names) + bits + digests


def _packed_standing(standing: Standing | None) -> bytes:
    if standing is None:
        return b"\0"
    count = len(standing.bits)
    fixed = _STANDING.pack(standing.names, count, _micros(standing.equal_since), standing.moved)
    return b"\1" + fixed + _bits((number for number, bit in enumerate(standing.bits) if bit), count)


def _bits(numbers: Iterable[int], count: int) -> bytes:
    return sum(1 << number for number in numbers).to_bytes((count + 7) // 8, "little")


class _Reader:
    """Takes one part after the other; too few bytes, or too many, are a ValueError."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def take(self, count: int) -> bytes:
        if len(self._data) < count:
            raise ValueError("too short")
        taken, self._data = self._data[:count], self._data[count:]
        return taken

    def values(self, layout: struct.Struct) -> tuple[Any, ...]:
        return layout.unpack(self.take(layout.size))

    def rows(self, layout: struct.Struct, most: int) -> list[tuple[Any, ...]]:
        count = self.take(1)[0]
        if count > most:
            raise ValueError("too many")
        return [self.values(layout) for _ in range(count)]

    def bits(self, count: int) -> list[bool]:
        number = int.from_bytes(self.take((count + 7) // 8), "little")
        return [bool(number >> place & 1) for place in range(count)]

    def there(self) -> bool:
        return self.take(1) != b"\0"

    def end(self) -> None:
        if self._data:
            raise ValueError("too long")


def _unpacked(reader: _Reader, settings: Settings) -> Memory:
    calls, repeats, denied_rounds, more_finals, timed, answered, objects_held = reader.values(_NUMBERS)
    spans = [_span(number, least) for number, least in zip(reader.values(_SPANS), _LEAST, strict=True)]
    timeout, too_short_by, took, answered_at, first_final, green_since, changed_at = spans
    started_at, deployed_at, cycle_over_at = map(_moment, reader.values(_TIMES))
    if started_at is None or timeout is None or (answered and answered_at is None):
        raise ValueError("a part is missing")
    marks = {
        key: Mark(_STATUSES[status], _REASONS[reason], since, _span(ripe), polls, _moment(parse))
        for key, status, reason, since, ripe, polls, parse in reader.rows(_MARK, MARKS)
    }
    finals = {key: _REASONS[reason] or Reason.UNDECIDED for key, reason in reader.rows(_FINAL, FINALS)}
    recalled = Recalled(marks, finals, more_finals, _places(reader), _standing(reader))
    reader.end()
    state = State(
        deployed_at=deployed_at,
        answered_at=answered_at or 0.0,
        answered=answered,
        first_final=first_final,
        green_since=green_since,
        denied_rounds=denied_rounds,
        cycle_over_at=cycle_over_at,
        objects_held=objects_held,
        changed_at=changed_at,
        recalled=recalled,
    )
    outcome = replace(
        begun(settings.rules),
        state=state,
        timeout=timeout,
        timed=timed,
        too_short_by=too_short_by or 0.0,
        took=took or 0.0,
    )
    return Memory(outcome, started_at, calls, repeats)


def _places(reader: _Reader) -> Places | None:
    if not reader.there():
        return None
    moved_at, names = reader.values(_PLACES)
    moving, new = (
        frozenset(bucket for bucket, bit in enumerate(reader.bits(BUCKETS)) if bit) for _ in range(2)
    )
    digests = tuple(int.from_bytes(reader.take(3), "big") for _ in range(BUCKETS))
    return Places(digests, moving, _span(moved_at) or 0.0, new, names)


def _standing(reader: _Reader) -> Standing | None:
    if not reader.there():
        return None
    names, count, equal_since, moved = reader.values(_STANDING)
    if count > BITS:
        raise ValueError("too many")
    return Standing(names, tuple(reader.bits(count)), _moment(equal_since), moved)
