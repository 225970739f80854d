"""A zip archive in memory: its directory, checked as a whole, and one member at a time, inflated within bounds.

The directory is read here and not by `zipfile`, which cuts names at a NUL, knows nothing of the bounds of an
invocation, and finds other things wrong from one Python to the next.
"""

from __future__ import annotations

import io
import stat
import struct
import zlib
from typing import NamedTuple

from validator.errors import UsageError

MAX_ARCHIVE = 128 << 20
"""Bytes. The archive stays in memory while it is read, beside one inflated file, in a function of 512 MB."""
MAX_MEMBERS = 100_000
"""Files and folders, those that only a name implies included: as many as a walk over a disk may see."""
MAX_DIRECTORY = 32 << 20
"""Bytes: three times what 100,000 names of usual length need."""
MAX_NAME = 1_024
"""Bytes in UTF-8: the longest key that S3 takes."""
MAX_FILE = 64 << 20
"""Bytes of one inflated file, which is in memory as a whole: more than Airflow would parse or a DAGs folder should hold."""
MAX_RATIO = 250
"""How many times its packed size a large file may be: text packs to a tenth, tables of numbers to a fiftieth at best."""
SMALL = 16 << 20
"""Bytes. Below it the ratio does not count: a file of blanks is odd, and does no harm."""

_CHUNK = 1 << 18
_END = struct.Struct("<4s4H2LH")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR = struct.Struct("<4sLQL")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_EXTRA = struct.Struct("<2H")
_ZIP_64, _UNICODE_PATH = 0x1, 0x7075
_UNIX = (3, 19)  # and macOS
_FULL_16, _FULL_32 = 0xFFFF, 0xFFFFFFFF
_ENCRYPTED = 0x1 | 0x40 | 0x2000
_UTF_8 = 0x800
_STORED, _DEFLATED = 0, 8
_UNKNOWN_NAME = "has a name in an encoding that the archive does not tell"
_AGAIN = (
    "Make the artifact again: let the stage that builds it run once more, and check that its upload is whole."
)


class Member(NamedTuple):
    """One entry of the directory."""

    name: str
    """As it stands there; a folder's ends with a slash."""
    header: int
    """Where its own header lies in the archive, which comes before its packed bytes."""
    begin: int
    """Where its packed bytes lie."""
    end: int
    size: int
    """Bytes when inflated, as the archive says: `contents` does not trust it."""
    crc: int
    method: int
    encrypted: bool
    odd: str
    """Why it is no plain file or its name is not known for sure, for people; empty: it is one."""


def shown(name: str) -> str:
    """A name from an archive within a message: short, on one line, and in quotes."""
    return repr(name if len(name) <= 200 else f"{name[:120]} … {name[-60:]}")  # noqa: PLR2004 - what fits a line


def read_directory(data: bytes, name: str) -> list[Member]:
    """Every member of the archive, in the directory's order.

    Args:
        data: the archive.
        name: what it is called, for messages.

    Raises:
        UsageError: it is no zip archive, is not whole, is larger than its bounds, or its members lie over one another.
    """
    if len(data) > MAX_ARCHIVE:
        raise UsageError(
            f"{name} is {len(data) >> 20} MB large, and at most {MAX_ARCHIVE >> 20} MB are read",
            advice="Make an artifact of the manifest and the DAGs folder alone.",
        )
    begin, size, count = _directory(data, name)
    if size > MAX_DIRECTORY or count > MAX_MEMBERS:
        raise UsageError(
            f"{name} has a list of {count:,} files in {size:,} bytes, and at most {MAX_MEMBERS:,} files in "
            f"{MAX_DIRECTORY:,} bytes are read",
            advice="Make an artifact of the manifest and the DAGs folder alone.",
        )
    try:
        members = _members(data, begin, begin + size, name)
    except (struct.error, IndexError) as error:
        raise _damaged(name, "its list of files ends too early") from error
    if len(members) != count:
        raise _damaged(name, f"it says that it holds {count:,} files, and lists {len(members):,}")
    _refuse_overlaps(members, begin, name)
    return members


def contents(data: bytes, member: Member, name: str) -> io.BytesIO:
    """One member's bytes, checked.

    Args:
        data: the archive that `member` was read from.
        member: which one.
        name: what the archive is called, for messages.

    Raises:
        UsageError: it is encrypted or packed in an unknown way, it is larger than `MAX_FILE` or than the archive
            says, or its bytes are not those that were packed.
    """
    where = f"{shown(member.name)} in {name}"
    if member.encrypted:
        raise UsageError(
            f"{where} is encrypted", advice="Make the artifact without a password: S3 encrypts it."
        )
    if member.method not in (_STORED, _DEFLATED):
        raise UsageError(
            f"{where} is packed by method {member.method}, and only stored and deflated files are read",
            advice="Make the artifact with zip's own method, deflate.",
        )
    if member.size > MAX_FILE:
        raise UsageError(
            f"{where} is {member.size:,} bytes large, and at most {MAX_FILE:,} are read",
            advice="Keep large files elsewhere than beside the DAGs: Airflow looks at each file there.",
        )
    packed = member.end - member.begin
    if member.size > SMALL and member.size > MAX_RATIO * packed:
        raise UsageError(
            f"{where} inflates to {member.size:,} bytes from {packed:,}, which no real file does",
            advice="Take the file out of the artifact.",
        )
    if member.method == _STORED:
        found = io.BytesIO(data[member.begin : member.end])
        crc = zlib.crc32(found.getbuffer())
    else:
        found, crc = _inflated(data, member, where)
    if found.seek(0, io.SEEK_END) != member.size or crc != member.crc:
        raise _damaged(where, "its bytes are not those that were packed")
    found.seek(0)
    return found


def _inflated(data: bytes, member: Member, where: str) -> tuple[io.BytesIO, int]:
    """The bytes and their CRC; inflating ends where there are more of them than the archive says."""
    engine = zlib.decompressobj(-zlib.MAX_WBITS)
    found, crc, at = io.BytesIO(), 0, member.begin
    try:
        while not engine.eof:
            fed = data[at : min(at + _CHUNK, member.end)]
            # One byte more than there should be: zlib tells the end of the data only after the last one.
            piece = engine.decompress(fed, min(_CHUNK, member.size - found.tell() + 1))
            if not fed and not piece:
                raise _damaged(where, "its bytes end too early")
            at += len(fed) - len(engine.unconsumed_tail) - len(engine.unused_data)
            crc = zlib.crc32(piece, crc)
            found.write(piece)
            if found.tell() > member.size:
                raise _damaged(where, f"it holds more than the {member.size:,} bytes that it claims")
    except zlib.error as error:
        raise _damaged(where, "its bytes are not those that were packed") from error
    if at != member.end:
        raise _damaged(where, "something else follows its bytes")
    return found, crc


def _damaged(what: str, why: str) -> UsageError:
    return UsageError(f"{what} is damaged: {why}", advice=_AGAIN)


def _directory(data: bytes, name: str) -> tuple[int, int, int]:
    """Where the directory begins, its bytes, and how many members it lists."""
    at = _end(data, name)
    _, disk, first, here, count, size, begin, _ = _END.unpack_from(data, at)
    if at >= _LOCATOR.size and data.startswith(b"PK\x06\x07", at - _LOCATOR.size):
        _, _, where, _ = _LOCATOR.unpack_from(data, at - _LOCATOR.size)
        if where + _END_64.size > at - _LOCATOR.size or not data.startswith(b"PK\x06\x06", where):
            raise _damaged(name, "the end of its list of files is not where it should be")
        _, _, _, _, disk, first, here, count, size, begin = _END_64.unpack_from(data, where)
        at = where
    if disk or first or here != count:
        raise UsageError(
            f"{name} is one part of an archive in parts", advice="Make the artifact as one archive."
        )
    if begin + size != at:
        raise _damaged(name, "it is cut off, or was put together from pieces")
    return begin, size, count


def _end(data: bytes, name: str) -> int:
    """Where the record that ends every archive lies."""
    lowest = max(0, len(data) - _END.size - _FULL_16)
    at = len(data)
    while (at := data.rfind(b"PK\x05\x06", lowest, at + 3)) >= 0:
        if at + _END.size <= len(data) and at + _END.size + _END.unpack_from(data, at)[7] == len(data):
            return at
    if not data.startswith(b"PK"):
        raise UsageError(
            f"{name} is no zip archive",
            advice="Give the function a source or build artifact. Of a source action its format must be CODE_ZIP, the "
            "default, and no full clone.",
        )
    raise _damaged(name, "it is cut off, or something was added to it")


def _members(data: bytes, at: int, end: int, archive: str) -> list[Member]:
    found: list[Member] = []
    while at < end:
        (magic, made, _, flags, method, _, _, crc, packed, size, n, m, k, _, _, attributes, header) = (
            _CENTRAL.unpack_from(data, at)
        )
        at += _CENTRAL.size
        if magic != b"PK\x01\x02" or at + n + m + k > end or len(found) == MAX_MEMBERS:
            raise _damaged(archive, "its list of files is not one")
        raw, extra = data[at : at + n], data[at + n : at + n + m]
        at += n + m + k
        if _FULL_32 in (packed, size, header):
            packed, size, header = _large(extra, packed, size, header)
        name, is_known = _name(raw, flags, made >> 8, extra, archive)
        begin = _begin(data, header, raw, archive)
        odd = _oddity(name, attributes) or ("" if is_known else _UNKNOWN_NAME)
        encrypted = bool(flags & _ENCRYPTED)
        found.append(Member(name, header, begin, begin + packed, size, crc, method, encrypted, odd))
    return found


def _extra(extra: bytes, kind: int) -> bytes:
    """One of a member's extra fields; empty: it has none such."""
    at = 0
    while at + _EXTRA.size <= len(extra):
        found, length = _EXTRA.unpack_from(extra, at)
        at += _EXTRA.size
        if found == kind:
            return extra[at : at + length]
        at += length
    return b""


def _large(extra: bytes, *fields: int) -> tuple[int, ...]:
    """The packed size, the size and the place, with those that do not fit taken from where they do."""
    large = _extra(extra, _ZIP_64)
    values = iter(struct.unpack_from(f"<{len(large) // 8}Q", large))
    order = (1, 0, 2)  # the size comes before the packed size there
    taken = {place: next(values, _FULL_32) for place in order if fields[place] == _FULL_32}
    return tuple(taken.get(place, field) for place, field in enumerate(fields))


def _name(raw: bytes, flags: int, system: int, extra: bytes, archive: str) -> tuple[str, bool]:
    """A member's name, and whether its encoding is known."""
    if len(raw) > MAX_NAME:
        raise UsageError(
            f"{archive} holds a file whose name is {len(raw):,} bytes long: {_shown(raw)}",
            advice=f"Shorten it to at most {MAX_NAME:,} bytes, which is the longest name that S3 takes.",
        )
    if raw.isascii():
        return raw.decode(), True
    path = _extra(
        extra, _UNICODE_PATH
    )  # Info-ZIP's, of version 1, with the checksum of the name that it stands for
    try:
        if flags & _UTF_8:
            return raw.decode(), True
        if path[:5] == struct.pack("<BL", 1, zlib.crc32(raw)):
            return path[5:].decode(), True
    except UnicodeDecodeError as error:
        raise _damaged(archive, f"the name {_shown(raw)} is not UTF-8") from error
    try:
        # On Unix a name is bytes, which zip stores and unzip gives back as they are.
        return raw.decode(), system in _UNIX
    except UnicodeDecodeError:
        return raw.decode("cp437"), False


def _begin(data: bytes, header: int, raw: bytes, archive: str) -> int:
    """Where a member's packed bytes begin, behind its own header."""
    if header + _LOCAL.size > len(data):
        raise _damaged(archive, f"{_shown(raw)} lies outside of it")
    magic, *_, n, m = _LOCAL.unpack_from(data, header)
    begin = header + _LOCAL.size
    if magic != b"PK\x03\x04" or data[begin : begin + n] != raw:
        raise _damaged(archive, f"{_shown(raw)} is not where its list of files says")
    return begin + int(n) + int(m)


def _oddity(name: str, attributes: int) -> str:
    kind = stat.S_IFMT(attributes >> 16)  # of Unix; others leave it empty
    if kind == stat.S_IFLNK:
        return "is a symbolic link, and what the deploy makes of one is not known"
    if kind not in (0, stat.S_IFDIR if name.endswith("/") else stat.S_IFREG):
        return "is neither a plain file nor a folder"
    return ""


def _shown(raw: bytes) -> str:
    return shown(raw.decode(errors="replace"))


def _refuse_overlaps(members: list[Member], end: int, archive: str) -> None:
    """No byte belongs to two members: that is how a small archive holds more than any disk does."""
    before = 0
    for member in sorted(members, key=lambda one: one.header):
        if member.header < before or member.end > end:
            raise _damaged(archive, f"{shown(member.name)} lies over something else in it")
        before = member.end
