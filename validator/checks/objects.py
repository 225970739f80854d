"""Did the deploy itself happen? Every file of the local folder against its object in S3.

What a listing proves. S3's ETag is the MD5 of the content, or of its parts' MD5s, except where KMS or a customer's key
encrypts the object; a listing does not tell which. So:

- other size, or no object: surely not the file;
- same size, and the ETag is the MD5 (or that of an upload in parts of a usual size): the file;
- same size, and the ETag speaks of parts of an unusual size: only the sizes are known to be the same;
- same size, and the ETag looks like an MD5 and is not the file's: it is another content, or it is encrypted.

The last is decided by the rest of the folder. Where one ETag is the MD5 of a local file that is not empty, ETags here
are MD5s, and what differs is red. This can be wrong: encryption is each object's own, and of a bucket whose default
changed some objects give MD5s and others not. Then a file that is the same looks different until the folder is
uploaded anew, once; the finding says so. The other choice, to let it pass there, would let pass the file that an upload
skipped because its size had not changed, which is what the check is for. Where no ETag is an MD5, nothing speaks
against encryption: only sizes were compared, and the finding is a warning that says it, not a proof.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from validator.airflow.models import Unread
from validator.finding import About, Status
from validator.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from validator.finding import Finding
    from validator.s3.interface import LocalDigest, S3Object

AREA = "s3"
NAMED = 100
"""Files that get a finding of their own, at most: a wrong path makes thousands of them."""

_LISTED = 5
_MD5 = re.compile(r"[0-9a-fA-F]{32}")
_ADVICE = {
    Reason.ACCESS_DENIED: "Grant the caller s3:ListBucket on the bucket, or leave out --verify-s3.",
    Reason.NOT_FOUND: "Check the bucket's name and the region, or give --dags-s3 s3://BUCKET/PATH.",
    Reason.UNREACHABLE: "Check the network path to S3: a VPC without a way out needs an S3 gateway endpoint.",
    Reason.BAD_RESPONSE: "Something answered that is not S3, or only half of it. Look at proxies in between.",
}
_UNPROVEN = (
    "Nothing, if the objects are encrypted with a KMS key: S3 tells no MD5 of them. Otherwise check what the upload does "
    "to the files."
)
_SAME_SIZE = (
    "Upload the file anew: an upload that compares sizes or times only may have skipped it. If this object is encrypted "
    "with a KMS key and others here are not, its ETag is no MD5: then upload the whole folder once."
)


@dataclass(frozen=True)
class Comparison:
    """How the local files stand in S3; every name is in exactly one of the four, in the order given."""

    same: tuple[str, ...] = ()
    """The content is proven."""
    same_size: tuple[str, ...] = ()
    """The size is the same, and nothing is known of the content."""
    different: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    others: int = 0
    """Objects that are no local files."""

    @property
    def holds(self) -> bool:
        """Whether nothing is missing or different; contents may be unproven."""
        return not (self.different or self.missing)


@dataclass(frozen=True)
class Deployed:
    """When the local folder's files came to S3, on S3's clock, UTC."""

    files: Mapping[str, datetime] = field(default_factory=dict)
    """By file that is there: when it and everything that it may need were there."""
    folder: datetime | None = None
    """When the last of all the folder's files was; None: nothing is there."""


def compare(local: Sequence[LocalDigest], objects: Mapping[str, S3Object]) -> Comparison:
    """How the local files stand among the objects, by their names relative to the folder."""
    known = {etag for file in local if file.size for etag in _etags(file)}
    etags_are_md5s = any(one.etag.lower() in known for one in objects.values())
    same, same_size, different, missing = [], [], [], []
    for file in local:
        one = objects.get(file.name)
        if one is None:
            missing.append(file.name)
        elif one.size != file.size:
            different.append(file.name)
        elif one.etag.lower() in _etags(file):
            same.append(file.name)
        elif etags_are_md5s and _MD5.fullmatch(one.etag):
            different.append(file.name)
        else:
            same_size.append(file.name)
    others = len(objects.keys() - {file.name for file in local})
    return Comparison(tuple(same), tuple(same_size), tuple(different), tuple(missing), others)


def deployed_by(
    local: Sequence[LocalDigest], objects: Mapping[str, S3Object], alone: frozenset[str]
) -> Deployed:
    """What LastModified says of when the deploy ended, for each of the files.

    A file may need any that is not among those which stand `alone`: it counts from the later of its own object and the
    newest of these. Only files that are there as they are here count.

    LastModified is when an object was written, not when it became the current one: who rolls back by deleting newer
    versions brings an old LastModified back, and what was deleted leaves none. So it may only make a known time of
    deploy later; on its own it can be too early.
    """
    found = compare(local, objects)
    times = {name: objects[name].modified for name in (*found.same, *found.same_size)}
    shared = max((modified for name, modified in times.items() if name not in alone), default=None)
    files = {name: modified if shared is None else max(modified, shared) for name, modified in times.items()}
    return Deployed(files, max(times.values(), default=None))


def judge(
    local: Sequence[LocalDigest],
    objects: Mapping[str, S3Object] | Unread | None,
    *,
    where: str,
    deployed_at: datetime | None = None,
    held: bool = False,
) -> list[Finding]:
    """One finding for the folder, and one for each file that is missing or different.

    Args:
        local: every file of the local folder.
        objects: what S3 holds, by name relative to it; None: nobody wants to know.
        where: the local folder's URI in S3.
        deployed_at: when the deploy ended, where that was given as a time; what S3 took later is somebody else's.
        held: an earlier round found the whole folder there (its finding `s3/folder` was passed, or a warning). What is
            missing or different since is somebody else's doing.
    """
    about = About("s3/folder", AREA, where)
    if objects is None:
        return []
    if isinstance(objects, Unread):
        message = f"Whether the folder is in S3 could not be seen: {objects.message}"
        advice = objects.advice or _ADVICE.get(objects.reason, "")
        return [about.finds(Status.ERROR, message, objects.reason, heals=objects.heals, advice=advice)]
    if not local:
        message = "The local folder holds no file: nothing was compared."
        return [about.finds(Status.ERROR, message, Reason.OBJECT_MISSING, heals=False)]
    found = compare(local, objects)
    if found.holds:
        return [_there(about, found, local, objects)]
    wrong = {*found.missing, *found.different}
    files = [
        _wrong(file, objects.get(file.name), where, deployed_at, held=held)
        for file in local
        if file.name in wrong
    ]
    # What is red comes first where not all can be told.
    files.sort(key=lambda finding: finding.status is not Status.FAILED)
    return [_not_there(about, found, files, local, objects), *files[:NAMED]]


def _etags(file: LocalDigest) -> tuple[str, ...]:
    """Every ETag that the file's content has without encryption: whole, in one part, in parts of a usual size."""
    one_part = hashlib.md5(bytes.fromhex(file.md5), usedforsecurity=False).hexdigest()
    return (file.md5, f"{one_part}-1", *file.in_parts)


def _evidence(found: Comparison, local: Sequence[LocalDigest]) -> dict[str, object]:
    return {
        "files": len(local),
        "compared_by_content": len(found.same),
        "compared_by_size_only": len(found.same_size),
        "missing": len(found.missing),
        "different": len(found.different),
        "other_objects": found.others,
    }


def _there(
    about: About, found: Comparison, local: Sequence[LocalDigest], objects: Mapping[str, S3Object]
) -> Finding:
    details = _evidence(found, local)
    details["last_modified"] = max(objects[file.name].modified for file in local).isoformat()
    if not found.same_size:
        verb = "is that" if len(local) == 1 else "are those"
        message = f"{_files(len(local))} in {about.subject} {verb} of the folder."
        return about.finds(Status.PASSED, message, details=details)
    compared = (
        f"of {len(found.same_size)} only the sizes could be compared"
        if found.same
        else "only sizes could be compared"
    )
    message = (
        f"By name and size {_files(len(local))} in {about.subject} are the folder's, but {compared}: the ETag is no MD5 "
        "of what was uploaded in parts, or is encrypted with a KMS key."
    )
    details["by_size_only"] = list(found.same_size[:_LISTED])
    # The reason is that the content stays undecided: nothing was seen to differ.
    return about.finds(Status.WARNING, message, Reason.UNDECIDED, details, advice=_UNPROVEN)


def _not_there(
    about: About,
    found: Comparison,
    files: Sequence[Finding],
    local: Sequence[LocalDigest],
    objects: Mapping[str, S3Object],
) -> Finding:
    details = _evidence(found, local)
    counts = " and ".join(
        f"{len(names)} {'is' if len(names) == 1 else 'are'} {word}"
        for names, word in ((found.missing, "missing"), (found.different, "different"))
        if names
    )
    reasons = {finding.reason for finding in files if finding.status is Status.FAILED}
    if not reasons:
        message = f"Somebody deployed over {about.subject}: of {_files(len(local))} {counts} now."
        return about.finds(Status.ERROR, message, Reason.SUPERSEDED, details, heals=False)
    message = f"{about.subject} does not hold the folder: of {_files(len(local))} {counts}."
    if len(files) > NAMED:
        message += f" The first {NAMED} are listed."
    reason = Reason.OBJECT_MISSING if Reason.OBJECT_MISSING in reasons else Reason.OBJECT_MISMATCH
    prefix = _prefix(found.missing, objects) if len(found.missing) == len(local) else ""
    advice = f"Files of these names lie below {prefix}/ there: give --dags-prefix {prefix}." if prefix else ""
    return about.finds(Status.FAILED, message, reason, details, advice=advice)


def _wrong(
    file: LocalDigest, one: S3Object | None, where: str, deployed_at: datetime | None, *, held: bool
) -> Finding:
    """A file that is missing or different: red, unless it is somebody else's doing since our deploy."""
    # A file may be called `folder`, and no file's name starts with a dot and a slash.
    about = About(f"s3/{'./' if file.name == 'folder' else ''}{file.name}", AREA, file.name)
    details: dict[str, object] = {"size": file.size, "md5": file.md5}
    if one is not None:
        details |= {"object_size": one.size, "etag": one.etag, "last_modified": one.modified.isoformat()}
    later = one is not None and deployed_at is not None and one.modified > deployed_at
    advice = ""
    if one is None:
        message, reason = f"There is no such object in {where}.", Reason.OBJECT_MISSING
    elif one.size != file.size:
        message = f"S3 holds {one.size} bytes, and the local file has {file.size}."
        reason = Reason.OBJECT_MISMATCH
    else:
        message = "S3 holds another content of the same size: the ETag is not the local file's MD5."
        reason, advice = Reason.OBJECT_MISMATCH, _SAME_SIZE
    if held or later:
        since = (
            "It was the local file's in an earlier round."
            if held
            else "It came after the time of the deploy."
        )
        return about.finds(
            Status.ERROR, f"{message} {since}", Reason.SUPERSEDED, details, file=file.name, heals=False
        )
    return about.finds(Status.FAILED, message, reason, details, file=file.name, advice=advice)


def _prefix(missing: Sequence[str], objects: Mapping[str, S3Object]) -> str:
    """The one folder below which S3 holds files of all these names; empty: there is none, or more than one."""
    first = f"/{missing[0]}"
    folders = [key[: -len(first)] for key in objects if key.endswith(first)]
    holding = [folder for folder in folders if all(f"{folder}/{name}" in objects for name in missing)]
    return holding[0] if len(holding) == 1 else ""


def _files(count: int) -> str:
    return f"{count} file{'s' if count != 1 else ''}"
