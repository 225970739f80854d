"""How much of a folder a walk may see, and what it may spend on that."""

from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass

from validator.errors import UsageError

MOST = 100_000
"""Files and folders. Links to folders can double at each level what lies below them, up to a walk without end."""

_TOKEN = re.compile(rb"\w+|[^\w\s]")


@dataclass
class Seen:
    """What one walk has seen so far, each file and folder once for every path that leads to it."""

    root: str
    """The folder that is walked, for people."""
    advice: str
    """What to do when it holds too much."""
    count: int = 0

    def one_more(self) -> None:
        """Count one more.

        Raises:
            UsageError: that is one too many.
        """
        self.count += 1
        if self.count > MOST:
            raise UsageError(
                f"{self.root} holds more than {MOST:,} files and folders, "
                "each counted once for every path of links that leads to it",
                advice=self.advice,
            )


@dataclass
class Effort:
    """What one walk may spend on the files that it reads, where memory and time are short. Without bounds on a disk."""

    unpack: int | None = None
    """Bytes of Python files, of all archives among the DAG files together; None: as many as there are."""
    tokens: int | None = None
    """Words and signs of one Python file, since each takes up to 800 bytes once it is parsed; None: as many as there are."""
    unpacked: int = 0

    def unpacked_start(
        self, archive: zipfile.ZipFile, member: zipfile.ZipInfo, size: int, where: str
    ) -> bytes:
        """At most the first `size` bytes of a member of the archive that lies `where`.

        Raises:
            UsageError: that is too much, or not bounded.
            Exception: whatever zipfile and its decoders raise.
        """
        bounded = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
        if self.unpack is not None and member.compress_type not in bounded:
            # zipfile unpacks others without a bound, whatever is asked for.
            raise UsageError(
                f"{member.filename[:200]!r} in {where} is packed in a way that Python cannot import",
                advice="Make the archive with the methods stored or deflated.",
            )
        with archive.open(member) as file:
            data = file.read(size)
        self.unpacked += len(data)
        if self.unpack is not None and self.unpacked > self.unpack:
            raise UsageError(
                f"{where} and the archives read before it hold more than {self.unpack >> 20} MB of Python files",
                advice="Leave out of the archives what is no DAG file, or deploy the modules themselves.",
            )
        return data

    def refuse_dense(self, data: bytes, where: str) -> None:
        """Refuse a Python file that is too much to be parsed.

        Raises:
            UsageError: it is.
        """
        if self.tokens is None or len(data) <= self.tokens:
            return
        count = sum(1 for _ in _TOKEN.finditer(data))
        if count > self.tokens:
            raise UsageError(
                f"{where} has {count:,} words and signs, and at most {self.tokens:,} are looked into here",
                advice="Split the file, as Airflow parses it again and again, too.",
            )
