"""How much of a folder a walk may see."""

from __future__ import annotations

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
