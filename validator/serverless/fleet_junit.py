"""One JUnit file of a whole fleet: its own suite, and those of every environment's report, within bounds.

The fleet's suite has a case an environment, so that the file tells every verdict also where a report is missing, too
large or left out.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from validator.finding import Status
from validator.report.sanitize import for_xml, one_line
from validator.serverless.fleet_verdict import Tests, ordered

if TYPE_CHECKING:
    from collections.abc import Callable

    from validator.serverless.fleet_verdict import Fleet, Row

LARGEST_REPORT = 6 * 1024 * 1024
"""Bytes of one environment's JUnit report: a tree of it takes some ten times as many."""
LARGEST_FILE = 48 * 1024 * 1024
"""Bytes of all suites together: they are held in memory, twice while they are put together."""

_HEAD = b'<?xml version="1.0" encoding="utf-8"?>\n'
_ELEMENTS = {Status.FAILED: "failure", Status.ERROR: "error"}


class Unusable(Exception):
    """An environment's report cannot be taken over; the text says why."""


class Contradiction(Unusable):
    """An environment's report is one of another verdict."""


def merge(fleet: Fleet, read: Callable[[Row, int], bytes], limit: int = LARGEST_FILE) -> tuple[bytes, Fleet]:
    """The file, and the fleet with what was learnt: each row's tests, or a note why they are not in the file.

    Args:
        fleet: as it was judged.
        read: a row's JUnit report, of at most so many bytes. Raises Unusable where there is none.
        limit: bytes of all environments' suites together.
    """
    rows: list[Row] = []
    chunks: list[bytes] = []
    counts: list[Tests] = []
    room = limit
    for row in fleet.rows:  # the reds first: if any is left out, it is a green one
        try:
            tests, chunk = _suites(row, read(row, LARGEST_REPORT))
        except Unusable as why:
            rows.append(_without(row, why))
            continue
        if len(chunk) > room:
            note = f"its {tests.total:,} tests are not in the fleet's JUnit file, which is full"
            rows.append(replace(row, tests=tests, note=note))
            continue
        room -= len(chunk)
        chunks.append(chunk)
        counts.append(tests)
        rows.append(replace(row, tests=tests))
    seen = ordered(replace(fleet, rows=tuple(rows)))
    own = _own_suite(seen)
    sums = {
        "tests": len(rows) + sum(one.total for one in counts),
        "failures": seen.count(Status.FAILED) + sum(one.failures for one in counts),
        "errors": seen.count(Status.ERROR) + sum(one.errors for one in counts),
    }
    root = "<testsuites " + " ".join(f'{key}="{value}"' for key, value in sums.items()) + ">"
    return b"".join([_HEAD, root.encode(), own, *chunks, b"</testsuites>\n"]), seen


def _without(row: Row, why: Unusable) -> Row:
    """The row without its report. A green whose report is a red one's is none: two invocations saw different things."""
    noted = replace(row, note=str(why))
    if isinstance(why, Contradiction) and row.verdict is Status.PASSED:
        return replace(noted, verdict=Status.ERROR, summary=f"its result is green, but {why}")
    return noted


def _suites(row: Row, data: bytes) -> tuple[Tests, bytes]:
    """An environment's tests, and its suites as they stand in the fleet's file.

    Raises:
        Unusable: it is no JUnit report of this gate.
        Contradiction: it is not of this verdict.
    """
    if b"<!" in data:
        raise Unusable("its JUnit report declares a document type, which the gate's never does")
    try:
        root = ET.fromstring(data)  # noqa: S314 - no document type, so no entities to expand; and bounded in size
    except (ET.ParseError, ValueError) as error:
        raise Unusable(f"its JUnit report cannot be read: {error}") from error
    suites = root.findall("testsuite") if root.tag == "testsuites" else []
    told = {one.get("value") for one in root.iterfind("testsuite/properties/property[@name='verdict']")}
    if not suites or not told:
        raise Unusable("its JUnit report tells no verdict: it is none of the gate's")
    if told != {str(row.verdict)}:
        said = " and ".join(one_line(one, 80) for one in sorted(map(str, told)))
        raise Contradiction(f"its JUnit report says {said}, and not {row.verdict}")
    cases = [case for suite in suites for case in suite.iterfind("testcase")]
    for suite in suites:
        suite.set("name", f"{row.label}: {suite.get('name', '')}")
    for case in cases:
        # `analytics.dags`: the same environment twice in a fleet must not give the same names twice.
        _, _, area = case.get("classname", "").rpartition(".")
        case.set("classname", f"{row.label}.{area}")
    tests = Tests(
        len(cases),
        *(
            sum(1 for case in cases if case.find(kind) is not None)
            for kind in ("failure", "error", "skipped")
        ),
    )
    return tests, b"".join(_bytes(suite) for suite in suites)


def _own_suite(fleet: Fleet) -> bytes:
    name = for_xml(fleet.name)
    suite = ET.Element(
        "testsuite",
        name=f"fleet {name}",
        tests=str(len(fleet.rows)),
        failures=str(fleet.count(Status.FAILED)),
        errors=str(fleet.count(Status.ERROR)),
        skipped="0",
        time="0.000",
    )
    properties = ET.SubElement(suite, "properties")
    for key, value in (("verdict", str(fleet.verdict)), ("summary", fleet.summary)):
        ET.SubElement(properties, "property", name=key, value=for_xml(value))
    for row in fleet.rows:
        case = ET.SubElement(
            suite, "testcase", classname=f"fleet {name}.environments", name=row.label, time="0.000"
        )
        text = "\n".join([row.summary, *row.reasons, *([row.note] if row.note else [])])
        if row.verdict in _ELEMENTS:
            element = ET.SubElement(
                case, _ELEMENTS[row.verdict], message=for_xml(row.summary), type=str(row.verdict)
            )
            element.text = for_xml(text)
        elif row.note:
            ET.SubElement(case, "system-out").text = for_xml(f"note: {row.note}")
    return _bytes(suite)


def _bytes(element: ET.Element) -> bytes:
    element.tail = None
    text: str = ET.tostring(element, encoding="unicode")
    return text.encode()
