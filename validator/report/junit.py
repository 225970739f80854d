"""The JUnit report, by way of junit-xml: one suite an area, one case a check.

What junit-xml 1.9 cannot do is mended on the elements that it builds: it gives each skipped case the type
`skipped`, leaves out a `time` of zero, writes sums of floats, and always writes `disabled`, which the Jenkins
XSD refuses.
"""

from __future__ import annotations

import re
from itertools import count
from typing import TYPE_CHECKING, Any

from junit_xml import TestCase, TestSuite, to_xml_report_string

from validator.finding import Status
from validator.report import explain
from validator.report.interface import Check
from validator.report.sanitize import for_xml, one_line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from xml.etree.ElementTree import Element

    from validator.report.interface import Report

GATE_AREA = "gate"
"""The suite of the verdict itself, where no check carries it."""


def render(report: Report) -> bytes:
    """The whole XML file, UTF-8."""
    properties = _properties(report)
    stamp = str(explain.utc(report.started_at))
    limit = explain.trace_limit(report)
    environment = one_line(report.environment).rstrip("/")
    suites = [
        _Suite(area, environment, checks, properties, stamp, limit)
        for area, checks in _by_area(report).items()
    ]
    text: str = to_xml_report_string(suites, prettyprint=False, encoding="utf-8")
    # The first of each is the root's, which comes before the suites.
    text = text.replace(' disabled="0"', "", 1)
    text = re.sub(r' time="[^"]*"', f' time="{_decimal(report.duration_s)}"', text, count=1)
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + text.encode()


def _by_area(report: Report) -> dict[str, list[Check]]:
    areas: dict[str, list[Check]] = {}
    for check in _checks(report):
        areas.setdefault(for_xml(one_line(check.area)), []).append(check)
    return areas


def _checks(report: Report) -> Iterator[Check]:
    """The report's checks, and one for the verdict where no check shows that it is not green.

    Readers of JUnit know only cases: an interrupted gate, all of whose checks are skipped, would look green.
    """
    yield from report.checks
    is_shown = any(check.status in (Status.FAILED, Status.ERROR) for check in report.checks)
    if not report.checks or (report.verdict is not Status.PASSED and not is_shown):
        status = report.verdict if report.verdict is Status.FAILED else Status.ERROR
        yield Check(
            f"{GATE_AREA}/verdict",
            GATE_AREA,
            "verdict",
            status,
            report.summary,
            first_seen_s=report.duration_s,
        )


def _properties(report: Report) -> dict[str, str]:
    facts = {
        "environment": report.environment,
        "verdict": str(report.verdict),
        "exit_code": str(report.exit_code),
        "summary": report.summary,
        "airflow_version": report.airflow_version or "unknown",
        "gate_version": report.gate_version,
        "started_at": explain.utc(report.started_at),
        "deployed_at": explain.utc(report.deployed_at) or "unknown",
        "arrived_at": explain.utc(report.arrived_at) or "unknown",
        "duration_s": _decimal(report.duration_s),
        "calls": str(report.calls),
    }
    facts |= {f"assumption.{number}": text for number, text in enumerate(report.assumptions, 1)}
    return {name: for_xml(one_line(str(text))) for name, text in facts.items()}


class _Suite:
    """What `to_xml_report_string` asks of a suite: `build_xml_doc`, here with its gaps mended."""

    def __init__(  # noqa: PLR0913 - private, and called once
        self,
        area: str,
        environment: str,
        checks: list[Check],
        properties: dict[str, str],
        stamp: str,
        limit: int,
    ) -> None:
        # The last dot parts the environment (a URL has dots too) from the area.
        classname = for_xml(f"{environment}.{area.replace('.', '_').replace('/', '_')}")
        names = _Names()
        self._checks = checks
        self._suite = TestSuite(
            area,
            [_case(check, classname, names.unique(explain.title(check)), limit) for check in checks],
            timestamp=stamp,
            properties=properties,
        )

    def build_xml_doc(self, encoding: str | None = None) -> Element:
        """The suite's element."""
        element: Element = self._suite.build_xml_doc(encoding=encoding)
        element.attrib.pop("disabled", None)
        element.set("time", _decimal(max(_time(check) for check in self._checks)))
        for check, case in zip(self._checks, element.iterfind("testcase"), strict=True):
            case.set("time", _decimal(_time(check)))
            if (skipped := case.find("skipped")) is not None and check.reason is not None:
                skipped.set("type", str(check.reason))
        return element


class _Names:
    """Gives out names, each only once: some readers keep only the first of two equal ones."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._next: dict[str, Iterator[int]] = {}

    def unique(self, wanted: str) -> str:
        name = wanted = for_xml(wanted) or "(unnamed)"
        while name in self._taken:
            name = f"{wanted} ({next(self._next.setdefault(wanted, count(2)))})"
        self._taken.add(name)
        return name


def _case(check: Check, classname: str, name: str, limit: int) -> Any:  # noqa: ANN401 - junit_xml has no types
    case = TestCase(name, classname=classname)
    if check.file:
        case.file = for_xml(one_line(check.file))
        case.line = check.line
    if check.status is Status.PASSED:
        case.stdout = for_xml("\n".join(explain.task_rows(check))) or None
        return case
    text = for_xml("\n".join(explain.body(check, limit)))
    message = for_xml(explain.message(check))
    code = explain.reason_code(check) or str(check.status)
    if check.status is Status.FAILED:
        case.add_failure_info(message, text, code)
    elif check.status is Status.WARNING:
        case.stdout = f"warning: {code}: {text}"
    elif check.status is Status.SKIPPED:
        case.add_skipped_info(message, text)
    else:
        case.add_error_info(message, text, code)
    return case


def _time(check: Check) -> float:
    """Seconds of a case: what it took by itself, such as a DAG run; else from the gate's start until it stood so."""
    return check.took_s if check.took_s is not None else check.first_seen_s


def _decimal(value: float) -> str:
    return f"{explain.seconds(value):.3f}"
