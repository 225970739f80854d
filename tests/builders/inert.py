"""Every way to tell a report, each beside a reader that is not the gate's own and that knows what must not come of it.

A reader raises an AssertionError where foreign text did anything but be read, or where it is not there to be read.
"""

from __future__ import annotations

import io
import itertools
import re

import lxml.html
import pyte
from hostile_texts import spelled, words
from junitparser import JUnitXml
from markdown_page import is_inert, rendered
from runner_log import commands_of, values_of
from strict_readers import SCHEMA, strictly, valid

from validator.finding import Status
from validator.report import FORMATS, html
from validator.report.console import Files, render_plain, render_terminal
from validator.report.github import annotate, outputs
from validator.report.markdown import SUMMARY_LIMIT, page
from validator.report.progress import PlainProgress

_SGR = re.compile(r"\x1b\[[0-9;]*m")
_NOT_A_CHARACTER = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f]"
)
"""What a terminal obeys or hides, and what ends a line to somebody; a line feed is ours."""
_ON = re.compile(r"on\w+")
_MOST = 20
"""So many checks are shown with all there is to say."""


def in_order(wanted, text):
    at = 0
    for word in wanted:
        at = text.find(word, at)
        assert at >= 0, f"{word!r} is lost"
        at += len(word)


def is_said(report, text):
    """What is said of each check is there to be read."""
    for one in report.checks[:_MOST]:
        in_order(words(one.subject), text)
        if one.status is not Status.PASSED:
            in_order(words(one.message), text)


def junit(data, report):
    valid(data)
    assert not commands_of(data.decode())
    cases = [case for suite in JUnitXml.fromstring(data) for case in suite]
    assert len(cases) in (len(report.checks), len(report.checks) + 1)
    told = "\n".join(f"{case.name} {case.classname} {case.system_out}" for case in cases)
    told += "\n".join(f"{result.message}\n{result.text}" for case in cases for result in case.result)
    is_said(report, told)
    for one in report.checks:
        in_order(words(str(one.details.get("stack_trace", ""))), told)


def json_report(data, report):
    told = strictly(data)
    SCHEMA.validate(told)
    assert not commands_of(data.decode())
    for one, check in zip(told["checks"], report.checks, strict=True):
        for name in ("id", "area", "subject", "message", "file"):
            value = getattr(check, name)
            if value is None or len(value) < 5_000:
                assert one[name] == (value if value is None else spelled(value))
    for name in ("environment", "summary", "airflow_version"):
        value = getattr(report, name)
        assert value is None or len(value) > 5_000 or told[name] == spelled(value)


def html_page(data, report):
    """As a parser reads it; what a browser makes of it is a test of its own."""
    assert not commands_of(data.decode())
    tree = lxml.html.document_fromstring(data, parser=lxml.html.HTMLParser(encoding="utf-8", huge_tree=True))
    scripts = [one.text for one in tree.iter("script")]
    assert scripts == [html._text("report.js")]
    assert {one.tag for one in tree.iter() if isinstance(one.tag, str)}.isdisjoint(
        {"img", "iframe", "object", "embed", "base", "a:b", "textarea"}
    )
    for one in tree.iter():
        for name, value in one.attrib.items():
            assert not _ON.fullmatch(name), name
            if name in ("href", "src", "action", "formaction", "xlink:href"):
                assert value.startswith("#") or (
                    one.tag == "link" and value.startswith("data:image/svg+xml,")
                ), value
    is_said(report, tree.text_content())


def markdown(data, report):
    shown = rendered(data.decode())
    is_inert(shown)
    is_said(report, shown.all.replace("\u200b", ""))
    assert not commands_of(data.decode())


def plain_text(data, report):
    """A log: nothing in it but lines of characters, and none of them a command."""
    text = data.decode()
    assert not _NOT_A_CHARACTER.search(text), _NOT_A_CHARACTER.findall(text)
    assert not commands_of(text)


def console(data, report):
    plain_text(data, report)
    is_said(report, data.decode())


class _Obeyed:
    """A terminal that notes what it was made to do."""

    def __init__(self):
        self.did = set()

    def __getattr__(self, name):
        return lambda *_, **__: self.did.add(name)


def terminal(data, report):
    """Colours apart it is the plain text, and a terminal draws, paints and begins new lines: the cursor never goes up."""
    obeyed = _Obeyed()
    pyte.Stream(obeyed).feed(data.decode())
    assert obeyed.did <= {"draw", "linefeed", "select_graphic_rendition"}, obeyed.did
    assert _SGR.sub("", data.decode()) == render_plain(report, verbose=True)
    console(_SGR.sub("", data.decode()).encode(), report)


def annotations(data, report):
    """Log lines that are commands, all of them ours."""
    lines = data.decode().splitlines()
    found = commands_of(data.decode())
    assert len(found) == len(lines) == data.count(b"\n")
    for one in found:
        assert one.name in ("error", "warning")
        assert set(one.properties) <= {"file", "line", "title"}
        assert one.message.strip()
        assert not _NOT_A_CHARACTER.search(one.message), "also once the runner has unescaped it"
        assert not commands_of(one.message)


def put_out(data, report):
    """The values of outputs: no others than ours, and each what it was."""
    assert values_of(data.decode()) == {name: spelled(value) for name, value in _values(report).items()}


def _values(report):
    # A runner ends lines at carriage returns, too, and gives them back as line feeds.
    return {
        "verdict": str(report.verdict),
        "report": re.sub("\r\n|\r", "\n", report.environment),
        "failed": "1",
    }


def _annotated(report):
    shown = annotate(report, lambda file: file, [report.summary])
    return "".join(f"{one.command()}\n" for one in shown).encode()


def _outputs(report):
    counter = itertools.count()
    return outputs(_values(report), lambda: f"end{next(counter)}")


def _progress(report):
    stream = io.StringIO()
    told = PlainProgress(stream)
    told.started(report.environment, report.summary)
    told.round(report.checks, 1.0, 60.0)
    told.note(report.summary)
    told.finished()
    return stream.getvalue().encode()


def _shown(**options):
    return lambda report: render_plain(
        report, files=Files({"json": report.environment}, (report.summary,)), **options
    ).encode()


WRITERS = {one.name: one.render for one in FORMATS} | {
    "console": lambda report: render_plain(report, verbose=True).encode(),
    "console, short": _shown(),
    "console, quiet": _shown(quiet=True),
    "terminal": lambda report: render_terminal(report, verbose=True).encode(),
    "progress": _progress,
    "GitHub annotations": _annotated,
    "GitHub outputs": _outputs,
    "GitHub summary": lambda report: page(report, SUMMARY_LIMIT),
}
"""A report to bytes, by the way to tell it."""
READERS = {
    "junit": junit,
    "json": json_report,
    "html": html_page,
    "markdown": markdown,
    "console": console,
    "console, short": plain_text,
    "console, quiet": plain_text,
    "terminal": terminal,
    "progress": plain_text,
    "GitHub annotations": annotations,
    "GitHub outputs": put_out,
    "GitHub summary": markdown,
}
MODULES = {
    "junit": "junit",
    "json_report": "json",
    "html": "html",
    "page": "html",
    "lanes": "html",
    "markdown": "markdown",
    "console": "console",
    "github": "GitHub annotations",
    "progress": "progress",
    **dict.fromkeys(("explain", "files", "interface", "next_steps", "registry", "sanitize", "streams"), None),
}
"""Every module of validator/report, and who reads what it writes; None: it writes nothing by itself."""


def is_told(report, names=tuple(READERS)):
    """Every way to tell the report is read back, and is inert."""
    for name in names:
        READERS[name](WRITERS[name](report), report)
