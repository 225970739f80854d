"""The formats that a report can be written in: feeds the command's options, its help, and the tests.

A new format is one new module with `render(report) -> bytes` and one line here.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Callable

    from validator.report.interface import FileFormat, Report


@dataclass  # not frozen: the protocol's attributes are plain ones
class LazyFormat:
    """A `FileFormat` whose module is loaded when it renders."""

    name: str
    """The option's name, as in `--junit`."""
    help: str
    """The option's help text."""
    module: str
    """Where `render(report) -> bytes` is."""

    def render(self, report: Report) -> bytes:
        """The whole file's content."""
        render = cast("Callable[[Report], bytes]", import_module(self.module).render)
        return render(report)


FORMATS: tuple[FileFormat, ...] = (
    LazyFormat("junit", "Write a JUnit XML report to this file.", "validator.report.junit"),
    LazyFormat("json", "Write a JSON report to this file.", "validator.report.json_report"),
    LazyFormat("html", "Write an HTML report for a browser to this file.", "validator.report.html"),
    LazyFormat(
        "markdown",
        "Write a Markdown report to this file, as for a pull request comment.",
        "validator.report.markdown",
    ),
)
"""Every file format, in the order of the options."""
