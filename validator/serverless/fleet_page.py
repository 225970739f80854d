"""A fleet's page: one row an environment, each with a link to its own page. One file, no script, nothing fetched."""

from __future__ import annotations

import base64
import re
from hashlib import sha256
from typing import TYPE_CHECKING

from validator.finding import Status
from validator.report.sanitize import encodable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from validator.serverless.fleet_verdict import Fleet

_WORDS = {Status.PASSED: "passed", Status.FAILED: "failed", Status.ERROR: "cannot tell"}


def render(fleet: Fleet, links: Mapping[int, str], facts: Mapping[str, str]) -> bytes:
    """The whole page, UTF-8.

    Args:
        fleet: with its reports read.
        links: by a row's index, its own page's path relative to this one; only of those that there are.
        facts: what the page's head tells beside the verdict, by name.
    """
    # jinja2 is loaded only where a page is written.
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 - the same

    templates = Environment(
        loader=PackageLoader("validator.serverless"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    text = templates.get_template("fleet.html").render(
        fleet=fleet, links=links, facts=facts, words=_WORDS, style_hash="STYLE-HASH"
    )
    # What lets the one style through lets nothing else: a hash of its very bytes.
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    digest = base64.b64encode(sha256(style[1].encode() if style else b"").digest()).decode()
    return encodable(text.replace("STYLE-HASH", f"sha256-{digest}", 1)).encode()
