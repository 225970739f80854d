"""How much of a folder a walk may see, and how much of the archives in it it may unpack."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass

from validator.errors import UsageError

MOST = 100_000
"""Files and folders. Links to folders can double at each level what lies below them, up to a walk without end."""


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
class Unpacking:
    """What one walk has unpacked so far of the archives that it met."""

    most: int | None = None
    """Bytes, of all archives together; None: as many as there are."""
    done: int = 0

    def read(self, archive: zipfile.ZipFile, member: zipfile.ZipInfo, size: int) -> bytes:
        """At most the first `size` bytes of a member.

        Raises:
            UsageError: that is too much, or not bounded.
            Exception: whatever zipfile and its decoders raise.
        """
        if self.most is not None and member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            # zipfile unpacks others without a bound, whatever is asked for.
            raise UsageError(
                f"{member.filename[:200]!r} in an archive among the DAG files is compressed in a way that Python "
                "cannot import",
                advice="Make the archive with the methods stored or deflated.",
            )
        with archive.open(member) as file:
            data = file.read(size)
        self.done += len(data)
        if self.most is not None and self.done > self.most:
            raise UsageError(
                f"the archives among the DAG files hold more than {self.most >> 20} MB of Python files",
                advice="Deploy the modules themselves, or leave out of the archives what is no DAG file.",
            )
        return data
