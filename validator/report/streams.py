"""Writing to stdout and stderr without ever failing: the exit code must not hang on a closed pipe."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, TextIO, cast

if TYPE_CHECKING:
    from collections.abc import Mapping

_OURS = (1, 2)


class SafeStream:
    """A text stream that takes any text in any encoding, and falls silent once nobody reads it any more."""

    def __init__(self, stream: TextIO | None) -> None:
        """Wrap `stream`; None (no console at all) is silent from the start."""
        self._stream = stream

    @property
    def encoding(self) -> str:
        """The wrapped stream's encoding."""
        return getattr(self._stream, "encoding", None) or "utf-8"

    def isatty(self) -> bool:
        """Whether a person sees it."""
        try:
            return self._stream is not None and self._stream.isatty()
        except (OSError, ValueError):
            return False

    def fileno(self) -> int:
        """The wrapped stream's file descriptor.

        Raises:
            OSError: it has none.
        """
        if self._stream is None:
            raise OSError("no stream")
        return self._stream.fileno()

    def write(self, text: str) -> int:
        """Write `text`; what the encoding cannot say is spelled out as an escape."""
        if self._stream is not None:
            try:
                safe = text.encode(self.encoding, "backslashreplace").decode(self.encoding)
                self._stream.write(safe)
            except (OSError, ValueError, LookupError):
                self._fall_silent()
        return len(text)

    def flush(self) -> None:
        """Pass on what is buffered."""
        if self._stream is not None:
            try:
                self._stream.flush()
            except (OSError, ValueError):
                self._fall_silent()

    def _fall_silent(self) -> None:
        # What is still buffered would be tried again at exit, and that failure makes Python exit with 120.
        with contextlib.suppress(OSError, ValueError):
            if self._stream is not None and (number := self._stream.fileno()) in _OURS:
                null = os.open(os.devnull, os.O_WRONLY)
                os.dup2(null, number)
                os.close(null)
        self._stream = None

    def as_text_io(self) -> TextIO:
        """Itself, for libraries that ask for a `TextIO` and use only what is here."""
        return cast("TextIO", self)


def wants_colour(stream: SafeStream, environ: Mapping[str, str], *, no_color: bool = False) -> bool:
    """Whether `stream` is a terminal for colours: not with `--no-color`, NO_COLOR or TERM=dumb."""
    return not no_color and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb" and stream.isatty()
