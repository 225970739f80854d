"""What ends a command early. Each error carries its advice; one handler in the command line prints it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from validator.reasons import Reason

EXIT_PASSED = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_CANNOT_TELL = 3
EXIT_SIGNAL = 128
"""Plus the number of the signal that interrupted the gate."""


class GateError(Exception):
    """Base of everything that the gate raises on purpose."""

    exit_code = EXIT_CANNOT_TELL

    def __init__(self, message: str, *, advice: str = "") -> None:
        super().__init__(message)
        self.message = message
        """What happened, in one sentence."""
        self.advice = advice
        """What to do about it; may be empty."""


class UsageError(GateError):
    """The command line or an input file is wrong; nothing was called."""

    exit_code = EXIT_USAGE


class ManifestError(UsageError):
    """The manifest cannot be used. All that is wrong with it is told at once."""

    def __init__(self, path: str, problems: Sequence[str]) -> None:
        """Take the manifest's path and its problems, each `line N: key.path: what is wrong`."""
        self.path = path
        self.problems = tuple(problems)
        count = len(self.problems)
        super().__init__(
            f"{path}: {count} problem{'s' if count != 1 else ''} in the manifest",
            advice="mwaa-gate schema prints the manifest's JSON Schema.",
        )


class CannotTell(GateError):
    """Nothing can be said of the environment, and asking again will not help (exit 3)."""

    def __init__(self, reason: Reason, message: str, *, advice: str = "") -> None:
        super().__init__(message, advice=advice)
        self.reason = reason


class CallFailed(GateError):
    """One call got no usable answer. Whether to ask again is the caller's choice."""

    def __init__(  # noqa: PLR0913 - all that is told of a call
        self,
        reason: Reason,
        message: str,
        *,
        throttled: bool = False,
        status: int | None = None,
        retry: bool = True,
        advice: str = "",
    ) -> None:
        super().__init__(message, advice=advice)
        self.reason = reason
        self.throttled = throttled
        """The service said that there are too many calls."""
        self.status = status
        """Airflow's HTTP status, where it answered."""
        self.retry = retry
        """Whether the same call may do better in a moment."""
