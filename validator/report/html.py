"""The HTML report: one page that needs nothing else, for a browser, a printer and a screen reader.

Foreign text is made inert like in every report, then escaped by the template engine, wherever it stands. The page's
own policy lets a browser run one script and take one style sheet, both by their hashes, and load nothing: should a text
get through all the same, it does nothing.
"""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from importlib import resources
from typing import TYPE_CHECKING
from urllib.parse import quote

from validator.durations import format_duration
from validator.report.lanes import WORDS
from validator.report.page import page_of
from validator.report.sanitize import encodable, for_xml

if TYPE_CHECKING:
    from validator.report.interface import Report

_TEMPLATES = "templates"


def render(report: Report) -> bytes:
    """The report as one HTML page, UTF-8."""
    from jinja2 import Environment, FunctionLoader, StrictUndefined  # noqa: PLC0415 - few runs write a page
    from markupsafe import Markup  # noqa: PLC0415 - the same

    environment = Environment(
        loader=FunctionLoader(_text),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["duration"] = format_duration
    style, script = _text("report.css"), _text("report.js")
    page = page_of(report)
    text = environment.get_template("report.html").render(
        page=page,
        words=WORDS,
        # Our own files: they are no foreign text, and their hashes must stay what they are.
        style=Markup(style),  # noqa: S704 - see above
        script=Markup(script),  # noqa: S704 - see above
        policy=_policy(style, script),
        tab_icon=_icon(report),
    )
    return for_xml(encodable(text)).encode()


def _text(name: str) -> str:
    """A file of ours; also from a zip."""
    return resources.files(__package__).joinpath(_TEMPLATES, name).read_text("utf-8")


def _policy(style: str, script: str) -> str:
    """What a browser may do with the page: nothing but our own style and script; the icon is a `data:` image."""
    return (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"


def _icon(report: Report) -> str:
    """The browser tab's icon: the verdict's colour and sign."""
    colour, sign = {
        "passed": ("#1a7f37", "M9 17l5 5 10-11"),
        "failed": ("#cf222e", "M10 10l12 12M22 10L10 22"),
    }.get(str(report.verdict), ("#8250df", "M12 12a4 4 0 1 1 5 4q-1 1-1 3M16 23v1"))
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">'
        f'<circle cx="16" cy="16" r="15" fill="{colour}"/>'
        f'<path d="{sign}" fill="none" stroke="#fff" stroke-width="3.5" stroke-linecap="round"/></svg>'
    )
    return f"data:image/svg+xml,{quote(svg)}"
