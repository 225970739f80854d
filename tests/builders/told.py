"""What each report says, read by readers that know its format and nothing of the gate: verdict, exit code, counts, reds.

A title is a check's subject, and what is judged of it where its id says so: `etl`, `etl: paused`.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass

import lxml.html
from junitparser import Error, Failure, JUnitXml, Skipped
from markdown_it import MarkdownIt

VERDICTS = {"PASSED": "passed", "FAILED": "failed", "CANNOT TELL": "error"}
SIGNS = {"✅": "passed", "❌": "failed", "❔": "error"}
READS = ("json", "junit", "markdown", "html")
_SIGNALS = 128


@dataclass(frozen=True)
class Told:
    """What one report says."""

    verdict: str
    """`passed`, `failed` or `error`."""
    exit_code: int
    titles: dict[str, tuple[str, ...]]
    """The sorted titles of the checks of each status."""

    @property
    def counts(self):
        return {status: len(titles) for status, titles in self.titles.items()}


def _told(verdict, exit_code, titles):
    return Told(
        verdict, int(exit_code), {status: tuple(sorted(some)) for status, some in titles.items() if some}
    )


def _plain(text):
    return " ".join(text.replace("\u200b", "").split())


def title_of(check):
    """A check's title, of its entry in the JSON report."""
    subject, _, aspect = check["subject"], *check["id"].partition(f"/{check['subject']}/")[1:]
    return _plain(f"{subject}: {aspect}" if aspect else subject)


def by_status(pairs):
    titles = {}
    for status, title in pairs:
        titles.setdefault(status, []).append(title)
    return titles


def of_json(data):
    told = json.loads(data)
    checks = [(check["status"], title_of(check)) for check in told["checks"]]
    return _told(told["verdict"], told["exit_code"], by_status(checks))


def of_junit(data):
    """Without the case that stands for a verdict that no check carries; the suites' own numbers must be right."""
    suites = JUnitXml.fromstring(data)
    facts, pairs = {}, []
    for suite in suites:
        facts |= {one.name: one.value for one in suite.properties()}
        results = Counter()
        for case in suite:
            kinds = [type(one) for one in case.result] or [None]
            assert len(kinds) == 1, case.name
            results[kinds[0]] += 1
            if suite.name == "gate" and case.name == "verdict":
                assert kinds[0] in (Error, Failure)
                continue
            quiet = "warning" if (case.system_out or "").startswith("warning: ") else "passed"
            status = {Failure: "failed", Error: "error", Skipped: "skipped"}.get(kinds[0], quiet)
            pairs.append((status, _plain(case.name)))
        assert (suite.failures, suite.errors, suite.skipped) == (
            results[Failure],
            results[Error],
            results[Skipped],
        )
        assert suite.tests == sum(results.values())
    is_green = not any(one.failures or one.errors for one in suites)
    assert is_green == (facts["verdict"] == "passed"), "who knows only cases must see the verdict, too"
    return _told(facts["verdict"], facts["exit_code"], by_status(pairs))


def of_markdown(data):
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(data.decode())
    lines = [_plain(_text(token)) for token in tokens if token.type == "inline"]
    sign, _, head = lines[0].partition(" ")
    verdict = VERDICTS[head.partition(":")[0]]
    assert SIGNS[sign] == verdict
    rows = [lines_of for lines_of in _rows(tokens) if lines_of[0]]
    pairs = [(row[0].split()[-1], row[1]) for row in rows]
    counts = lines[1].partition(".")[0]
    told = _told(verdict, re.search(r"exit code ([0-9]+)", lines[2])[1], by_status(pairs))
    assert dict(_counted(counts)) == told.counts
    return told


def _text(token):
    return "".join(
        " " if child.type in ("softbreak", "hardbreak") else child.content for child in token.children or ()
    )


def _rows(tokens):
    row = None
    for token in tokens:
        if token.type == "tr_open":
            row = []
        elif token.type == "inline" and row is not None:
            row.append(_plain(_text(token)))
        elif token.type == "tr_close":
            yield row
            row = None


def of_html(data):
    text = data.decode()
    assert text.rstrip().endswith("</html>"), "it is cut off"
    page = lxml.html.document_fromstring(data, parser=lxml.html.HTMLParser(encoding="utf-8", huge_tree=True))
    word, _, how = _plain(page.find(".//h1").text).partition(",")
    facts = {
        _plain(one.text_content()): _plain(one.getnext().text_content())
        for one in page.iterfind(".//dl[@class='facts']//dt")
    }
    pairs = [
        (group.get("data-status"), _plain(row.find("th/span").text_content()))
        for group in page.iterfind(".//details[@data-status]")
        for row in group.iterfind("table/tbody/tr")
    ]
    told = _told(VERDICTS[word.upper()], facts["Exit code"], by_status(pairs))
    assert bool(how) == (told.exit_code > _SIGNALS)
    for link in page.iterfind(".//ul[@class='counts']//a"):
        assert int(link.find("b").text.replace(",", "")) == told.counts[link.get("href")[1:]]
    return told


def of_console(text):
    """Of a verbose one: each status has its heading, and a line of two blanks for each check."""
    lines = text.splitlines()
    word, counts = re.match(r"([A-Z ]+): .*?(?: - (.*))?$", lines[0]).groups()
    code = next(match[1] for line in lines if (match := re.search(r", exit ([0-9]+), mwaa-gate", line)))
    headings = {
        "Failed": "failed",
        "Could not be checked": "error",
        "Warnings": "warning",
        "Skipped": "skipped",
        "Passed": "passed",
    }
    pairs, status = [], None
    for line in lines:
        if match := re.fullmatch(r"([A-Z][a-z ]+) \(([0-9]+)\)", line):
            status = headings[match[1]]
        elif not line.startswith("  "):
            status = None
        elif status and (match := re.match(r"  (\S+)  (\S.*)", line)) and line[2] != " ":
            pairs.append((status, match[2]))
    told = _told(VERDICTS[word], code, by_status(pairs))
    assert dict(_counted(counts or "")) == told.counts
    return told


def _counted(text):
    """`2 failed, 1 warning` as status and number."""
    for part in filter(None, text.split(", ")):
        number, word = part.split(" ", 1)
        yield {"errors": "error", "warnings": "warning"}.get(word, word), int(number)


READERS = {"json": of_json, "junit": of_junit, "markdown": of_markdown, "html": of_html}


def read(name, data):
    """What the report of that format says.

    Raises:
        AssertionError: it is no whole report.
    """
    try:
        return READERS[name](data)
    except AssertionError:
        raise
    except Exception as error:
        raise AssertionError(f"{name} is no whole report: {error!r}; it begins {data[:60]!r}") from error


def outputs_of(text):
    """The last value of each output in what GITHUB_OUTPUT names, as GitHub's runner reads it."""
    values, lines = {}, iter(text.splitlines())
    for line in lines:
        if not line:
            continue
        name, _, end = line.partition("<<")
        value = []
        for one in lines:
            if one == end:
                break
            value.append(one)
        else:
            raise AssertionError(f"{name} has no end")
        values[name] = "\n".join(value)
    return values
