"""Hostile text through the whole gate into every report; each is read back by another's reader, and does nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hostile_texts import LONG, TEXTS, of_smoke, report_of
from in_chromium import CANARY, Opened, chromium
from inert import MODULES, READERS, WRITERS, is_told

from validator import report as reports
from validator.finding import Status
from validator.report import FORMATS

QUICK = [name for name in READERS if name != "html"]


def test_every_way_to_tell_a_report_has_a_reader():
    assert set(READERS) == set(WRITERS)
    assert {one.name for one in FORMATS} <= set(READERS)
    folder = Path(reports.__file__).parent
    assert {path.stem for path in folder.glob("*.py")} - {"__init__"} == set(MODULES), (
        "who reads the new one?"
    )
    assert set(filter(None, MODULES.values())) <= set(READERS)


@pytest.fixture(scope="module")
def told():
    """The report of each text, made once."""
    return {name: report_of(text) for name, text in TEXTS.items()}


def test_the_texts_get_into_the_reports(told):
    for name, text in TEXTS.items():
        report = told[name]
        assert report.verdict is not Status.PASSED
        assert report.environment == text
        places = [
            report.summary,
            *(part for one in report.checks for part in (one.subject, one.message, one.file or "")),
        ]
        assert sum(text in place for place in places) >= 5, name
        traces = [one.details.get("stack_trace") for one in report.checks]
        assert text in traces, name
        smoke = report.checks[-1].details
        assert smoke["stack_trace"] == smoke["tasks"][0]["task_id"] == text, "a log's end, and a task"


@pytest.mark.parametrize("way", READERS)
def test_no_text_does_anything_in_it(told, way):
    def why_not(report):
        try:
            is_told(report, [way])
        except Exception as error:  # noqa: BLE001 - a reader's own
            return f"{type(error).__name__}: {error}"[:1_000]
        return None

    assert {name: why for name, report in told.items() if (why := why_not(report))} == {}


@pytest.mark.parametrize("version", ["2.10.5", "3.3.2"])
@pytest.mark.parametrize(
    "name", ["terminal escapes", "workflow commands", "halves of characters", "out of CDATA"]
)
def test_the_other_airflows_tell_it_as_harmlessly(name, version):
    is_told(report_of(TEXTS[name], version), QUICK)


def test_three_million_characters_are_cut_in_every_place():
    report = report_of(LONG)
    for name in READERS:
        if name == "GitHub outputs":  # a path, which the machine itself bounds
            continue
        data = WRITERS[name](report)
        assert len(data) < 3_000_000, f"{name}: {len(data):,} bytes"
        READERS[name](data, report)
    is_told(replace(report, checks=(of_smoke(LONG),)), QUICK[:3])


def test_in_a_browser_no_page_does_anything_but_show(told, tmp_path):
    html = next(one for one in FORMATS if one.name == "html")
    with chromium() as browser:
        context = browser.new_context()
        tab = context.new_page()
        tab.set_content(f"<img src=x onerror={CANARY}>")
        tab.wait_for_function("window.canary >= 1")  # it would have sung
        tab.close()
        for number, report in enumerate(told.values()):
            path = tmp_path / f"{number}.html"
            path.write_bytes(html.render(report))
            opened = Opened(context.new_page(), path)
            opened.tab.evaluate(
                "document.querySelectorAll('details').forEach((each) => { each.open = true })"
            )
            opened.did_nothing_but_show()
            opened.tab.close()
