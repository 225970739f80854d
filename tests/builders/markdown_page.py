"""Markdown as GitHub would show it, and whether foreign text did anything in it."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from markdown_it import MarkdownIt

OURS = {
    "h2", "p", "strong", "sub", "ul", "li", "table", "thead", "tbody", "tr", "th", "td", "details", "summary", "code",
    "pre",
}  # fmt: skip


class Page(HTMLParser):
    """What a browser would make of the page: its tags, and its text outside code."""

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.tags, self.attributes, self.open, self.plain, self.all = [], [], [], "", ""
        self.cells = []
        self.other = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        self.open.append(tag)
        if tag == "td":
            self.cells.append("")

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.all += data
        if "td" in self.open:
            self.cells[-1] += data
        if not {"code", "pre"} & set(self.open):
            self.plain += data

    def handle_comment(self, data):
        self.other.append(data)

    handle_decl = handle_pi = unknown_decl = handle_comment


def rendered(text):
    reader = MarkdownIt("commonmark", {"html": True, "linkify": True}).enable(
        ["table", "linkify", "strikethrough"]
    )
    return Page(reader.render(text))


def is_inert(page, titles=1):
    assert set(page.tags) <= OURS
    assert page.other == []
    assert page.open == []
    assert page.tags.count("h2") == titles
    # Alignment is all that the table's renderer adds; the class is that of the blocks of code.
    assert {name for name, _ in page.attributes} <= {"class"}
    assert {value for _, value in page.attributes} <= {"language-text"}
    # What GitHub looks for in text once it is rendered, outside code.
    assert not re.search(r"@[A-Za-z0-9_-]", page.plain), "a mention"
    assert not re.search(r"#[0-9]", page.plain), "a reference"
    assert not re.search(r"\bGH-[0-9]", page.plain, re.IGNORECASE), "a reference"
    assert not re.search(r":[a-z0-9+_-]+:", page.plain), "an emoji"
    assert not re.search(r"(https?|ftp)://|mailto:\w", page.plain), "an address"


def table_rows(page):
    assert len(page.cells) % 4 == 0
    return [page.cells[start : start + 4] for start in range(0, len(page.cells), 4)]
