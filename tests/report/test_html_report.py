"""The HTML page, as a parser reads it. What a browser makes of it is test_html_in_chromium.py."""

import base64
import hashlib
import re
import subprocess
import sys
import time
import zipfile
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import lxml.html
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import validator
from validator.finding import Status
from validator.reasons import Reason
from validator.report import html, page
from validator.report.interface import Change, Look, Timeline

HOSTILE = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
ATTACKS = [
    "<script>window.canary = 1</script>",
    "</script><script>window.canary = 2</script>",
    "</style><script>window.canary = 3</script>",
    "</title><img src=x onerror=alert(4)>",
    '" onmouseover="alert(5)" x="',
    "' autofocus onfocus='alert(6)",
    "{{ 7 * 7 }}{% raw %}{#",
    "<svg onload=alert(7)><use href='data:x'/></svg>",
    "javascript:alert(8)",
    "--><!--<plaintext>",
    "&lt;b&gt; &amp; &#x3c;i&#x3e;",
    "</details></table></section></main>",
]
TRACE = "Traceback (most recent call last):\n  File \"a.py\", line 1\n    x = '<b>'\nSyntaxError: <oops> & so on\n"


def tree_of(report):
    return lxml.html.document_fromstring(html.render(report).decode("utf-8").encode(), parser=PARSER)


PARSER = lxml.html.HTMLParser(encoding="utf-8", huge_tree=True)


def words_of(element):
    return " ".join(element.text_content().split())


def parsed(report):
    return words_of(tree_of(report).find("body"))


def row_of(tree, title):
    [row] = [row for row in tree.iterfind(".//tbody/tr") if words_of(row.find("th/span")) == title]
    return row


@pytest.fixture
def waited(check, report):
    """A red report with a timeline: one DAG red, one settled, one component."""
    red = check(
        "etl_daily",
        Status.FAILED,
        reason=Reason.DAG_IMPORT_ERROR,
        message="Airflow cannot import its file.",
        file="etl/daily.py",
        line=12,
        details={"stack_trace": TRACE, "last_parsed_time": "2026-01-31T08:01:09Z"},
        first_seen_s=31.0,
    )
    changes = {
        "dags/etl_daily": (
            Change(0.5, Status.PENDING, Reason.DAG_STALE, parsed=False),
            Change(31.0, Status.FAILED, Reason.DAG_IMPORT_ERROR, parsed=False),
        ),
        "dags/report": (
            Change(0.5, Status.PENDING, Reason.DAG_MISSING, parsed=False),
            Change(20.0, Status.PENDING, Reason.DAG_STALE, parsed=True),
            Change(50.0, Status.PASSED, None, parsed=True),
        ),
        "health/scheduler": (Change(0.5, Status.PASSED, None, parsed=False),),
    }
    looks = (Look(0.5, 6, 0), Look(20.0, 9, 2), Look(31.0, 12, 2), Look(50.0, 15, 2))
    return report(
        red,
        check("report"),
        check("scheduler", area="health"),
        verdict=Status.FAILED,
        summary="etl_daily does not hold.",
        next_steps=("Mend etl/daily.py.", "Deploy again."),
        duration_s=60.0,
        timeline=Timeline(looks, changes),
    )


@pytest.mark.parametrize(
    ("verdict", "code", "words"),
    [
        (Status.PASSED, 0, "Passed: analytics-prod"),
        (Status.FAILED, 1, "Failed: analytics-prod"),
        (Status.ERROR, 3, "Cannot tell: analytics-prod"),
        (Status.ERROR, 130, "Cannot tell, interrupted: analytics-prod"),
    ],
)
def test_the_verdict_stands_first_in_words_and_in_the_title(report, check, verdict, code, words):
    tree = tree_of(report(check(status=verdict), verdict=verdict, exit_code=code))

    assert words_of(tree.find(".//h1")) == words
    assert tree.findtext(".//title") == f"{words} - mwaa-gate"
    assert tree.find("body").get("class") == str(verdict)


def test_it_says_where_when_and_by_what(report):
    facts = {words_of(dt): words_of(dt.getnext()) for dt in tree_of(report()).iterfind(".//dt")}

    assert facts == {
        "Airflow": "3.0.6",
        "Took": "1m35s",
        "Calls": "42",
        "Exit code": "0",
        "Started": "2026-01-31 08:00:00 UTC",
        "Deployed": "2026-01-31 08:00:01 UTC",
        "Files arrived": "2026-01-31 08:01:01 UTC",
        "mwaa-gate": "0.1.0",
    }


def test_what_to_do_now_is_there_for_red_and_for_green(waited, report):
    def steps(finished):
        section = tree_of(finished).find(".//section[@aria-labelledby='steps']")
        return [words_of(step) for step in section.iterfind(".//li")]

    assert steps(waited) == ["Mend etl/daily.py.", "Deploy again."]
    assert steps(report()) == ["Nothing: everything that is expected holds."]


def test_what_the_verdict_rests_on_is_listed(report):
    section = tree_of(report()).find(".//section[@aria-labelledby='assumptions']")

    assert [words_of(each) for each in section.iterfind(".//li")] == [
        "Every file reached every DAG processor within 60 s."
    ]
    assert "so nothing was assumed" in parsed(report(assumptions=()))


def test_every_check_has_its_row_in_the_group_of_its_status(report, check):
    checks = [check(str(status), status) for status in Status if status is not Status.PENDING]

    tree = tree_of(report(*checks, verdict=Status.FAILED))

    for each in checks:
        [group] = tree.iterfind(f".//details[@data-status='{each.status}']")
        assert [words_of(th) for th in group.iterfind(".//tbody/tr/th")] == [f"{each.status} dags"]
        assert (group.get("open") is not None) is (each.status not in (Status.PASSED, Status.SKIPPED))


def test_a_red_comes_with_all_there_is_to_say(waited):
    row = row_of(tree_of(waited), "etl_daily")

    words = words_of(row)
    assert "dag-import-error Airflow cannot import its file." in words
    assert "at etl/daily.py:12" in words
    assert "What to do: Mend the line that the stack trace names, and deploy again." in words
    assert "last parsed time: 2026-01-31T08:01:09Z" in words
    assert words.endswith("31s")
    assert row.find(".//pre").text == TRACE


def test_the_first_reds_trace_is_open_and_others_are_folded(report, check):
    reds = [check(name, Status.FAILED, details={"stack_trace": f"trace of {name}"}) for name in "ab"]

    tree = tree_of(report(*reds, verdict=Status.FAILED))

    assert [row_of(tree, name).find(".//details").get("open") is not None for name in "ab"] == [True, False]


def test_a_trace_and_an_advice_stand_once_and_are_linked_to(report, check):
    reds = [check(name, Status.FAILED, details={"stack_trace": TRACE}) for name in ("first", "second")]

    tree = tree_of(report(*reds, verdict=Status.FAILED))

    assert len(tree.findall(".//pre")) == 1
    second = row_of(tree, "second")
    assert "The same stack trace as first." in words_of(second)
    assert "What to do: as for first" in words_of(second)
    assert {link.get("href") for link in second.iterfind(".//a")} == {f"#{row_of(tree, 'first').get('id')}"}


def test_a_diff_is_shown_line_by_line(report, check):
    lines = ["--- airflow", "+++ local", "-one\u2028::error::x", "+two <b>", " same"]

    tree = tree_of(report(check("a.py", Status.FAILED, details={"diff": lines}), verdict=Status.FAILED))

    shown = tree.find(".//pre").text_content().splitlines()
    assert shown == ["--- airflow", "+++ local", r"-one\u2028::error::x", "+two <b>", " same"]


def test_a_page_that_grows_too_long_says_what_it_leaves_out(report, check, monkeypatch):
    monkeypatch.setattr(page, "FOLDED_TEXT", 100)
    reds = [check(name, Status.FAILED, details={"stack_trace": name * 90}) for name in "abc"]

    tree = tree_of(report(*reds, verdict=Status.FAILED))

    assert [len(row_of(tree, name).findall(".//pre")) for name in "abc"] == [1, 1, 0]
    assert "the JSON report has it" in words_of(row_of(tree, "c"))


def test_a_lane_tells_the_same_in_words_and_as_a_picture(waited):
    tree = tree_of(waited)
    lanes = tree.findall(".//ol[@class='lanes']/li")

    facts = {
        words_of(lane.find("span[@class='name']")): words_of(lane.find("span[@class='facts']"))
        for lane in lanes
    }
    assert facts == {
        "etl_daily": "red 31s (listed 0.5s)",
        "report": "settled 50s (listed 20s, parsed 20s)",
        "scheduler": "healthy 0.5s",
    }
    assert [lane.find("svg/title").text for lane in lanes][1] == (
        "report: not listed from 0.5s to 20s; parsed anew, settling from 20s to 50s; settled from 50s to 1m. "
        "In the end: settled."
    )
    assert [
        [(shape.get("class"), shape.get("x"), shape.get("width")) for shape in lane.iterfind("svg/rect")]
        for lane in lanes
    ][1] == [
        ("missing", "0.833%", "32.500%"),
        ("parsed", "33.333%", "50.000%"),
        ("held", "83.333%", "16.667%"),
    ]


def test_a_dag_that_never_came_is_said_to_have_never_been_listed(waited, check):
    gone = (
        Change(0.5, Status.PENDING, Reason.DAG_MISSING, parsed=False),
        Change(60.0, Status.FAILED, Reason.DAG_MISSING, parsed=False),
    )
    timeline = Timeline(waited.timeline.looks, {"dags/etl_daily": gone})

    assert "red 1m (never seen on the list)" in parsed(replace(waited, timeline=timeline))


def test_a_lane_leads_to_its_check(waited):
    tree = tree_of(waited)

    link = tree.find(".//ol[@class='lanes']/li/span/a").get("href")

    assert link == f"#{row_of(tree, 'etl_daily').get('id')}"


def test_calls_and_repeats_are_drawn_and_told(waited):
    lane = tree_of(waited).find(".//div[@class='lane calls']")

    assert [len(lane.findall(f".//rect[@class='{kind}']")) for kind in ("call", "repeat")] == [4, 1]
    assert words_of(lane).endswith(
        "4 looks, 15 calls, 2 of them repeats of one that had failed; the highest bar is 6."
    )
    assert "20s: 3 calls, 2 repeated" in [title.text for title in lane.iterfind(".//g/title")]


def test_a_mark_outside_of_the_picture_is_told_instead(waited):
    early = replace(waited, deployed_at=waited.started_at.replace(year=2025))

    assert "Not in the picture: deployed 8760h before the gate's start" in parsed(early)
    assert "Not in the picture" not in parsed(replace(waited, arrived_at=None))


def test_the_last_part_of_a_wait_says_that_it_is_one(waited):
    words = "this is the last one, from 5m25s on: what stood by then may have stood for longer"
    assert words not in html.render(waited).decode()
    part = replace(waited.timeline, before=Look(325.0, 0, 0))
    assert words in html.render(replace(waited, timeline=part, duration_s=400.0)).decode()


def test_without_a_timeline_the_page_says_so(report):
    assert "No round of checks was finished, so there is nothing to draw." in parsed(report())


def many_waited(report, check, count):
    checks = tuple(check(f"dag_{number:05}") for number in range(count))
    changes = {
        each.id: (
            Change(1.0, Status.PENDING, Reason.DAG_STALE, parsed=False),
            Change(20.0 + number % 50, Status.PENDING, Reason.DAG_STALE, parsed=True),
            Change(100.0 + number % 50, Status.PASSED, None, parsed=True),
        )
        for number, each in enumerate(checks)
    }
    looks = tuple(Look(float(at), at * 3, 0) for at in range(1, 600))
    return report(*checks, timeline=Timeline(looks, changes), duration_s=600.0)


@pytest.mark.parametrize(
    ("count", "shown", "folded", "beyond"), [(10, 10, 0, 0), (41, 40, 1, 0), (1_050, 40, 1_000, 10)]
)
def test_few_lanes_are_shown_and_the_rest_is_folded(report, check, count, shown, folded, beyond):
    tree = tree_of(many_waited(report, check, count))

    assert len(tree.findall(".//ol[@class='lanes']/li")) == shown + folded
    assert len(tree.findall(".//details[@class='more']//ol/li")) == folded
    assert (f"And {beyond} more, which are only among the checks." in words_of(tree.find("body"))) is bool(
        beyond
    )
    assert len(tree.findall(".//tbody/tr")) == count


def test_ten_thousand_dags_take_about_a_second_and_a_few_megabytes(report, check):
    big = many_waited(report, check, 10_000)
    html.render(report())  # loads what it needs

    began = time.process_time()
    written = html.render(big)

    assert time.process_time() - began < 3.0  # a second, and slack for a busy machine
    assert len(written) < 7_000_000


def test_ten_thousand_traces_are_bounded(report, check):
    reds = [
        check(str(n), Status.FAILED, details={"stack_trace": f"{n}" + "x" * 30_000}) for n in range(10_000)
    ]

    assert len(html.render(report(*reds, verdict=Status.FAILED))) < 10_000_000


# --- what a screen reader and a keyboard need


def test_the_page_has_a_language_landmarks_and_a_skip_link(waited):
    tree = tree_of(waited)

    assert tree.get("lang") == "en"
    assert [len(tree.findall(f".//{name}")) for name in ("header", "main", "footer", "h1")] == [1, 1, 1, 1]
    first = tree.find("body/*")
    assert (first.tag, first.get("href")) == ("a", "#checks")
    assert len(tree.xpath("//*[@id='checks']")) == 1


def test_headings_skip_no_level(waited):
    levels = [int(element.tag[1]) for element in tree_of(waited).iter("h1", "h2", "h3", "h4")]

    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_every_table_head_has_a_scope_and_every_picture_words(waited):
    tree = tree_of(waited)

    assert {head.get("scope") for head in tree.iterfind(".//thead//th")} == {"col"}
    assert {head.get("scope") for head in tree.iterfind(".//tbody//th")} == {"row"}
    for svg in tree.xpath("//svg[not(ancestor::svg)]"):
        hidden = svg.get("aria-hidden") or svg.getparent().get("aria-hidden")
        assert hidden == "true" or (svg.get("role") == "img" and svg.findtext("title"))


def test_every_input_has_a_label_and_the_filter_is_hidden_without_a_script(waited):
    form = tree_of(waited).find(".//form")

    assert form.get("hidden") is not None
    for field in form.xpath(".//input | .//select"):
        assert words_of(next(field.iterancestors("label")))
    assert form.find(".//fieldset/legend") is not None


def test_ids_are_unique_and_every_link_leads_somewhere_on_the_page(waited, check):
    twice = replace(waited, checks=(*waited.checks, *waited.checks, check("checks", id="checks")))
    tree = tree_of(twice)
    ids = tree.xpath("//@id")

    assert len(set(ids)) == len(ids)
    targets = tree.xpath("//body//@href")
    assert targets
    assert {target.removeprefix("#") for target in targets} <= set(ids)


# --- what nobody's text may do

_TAGS = """
    html head meta title link style body script a nav header main section footer div p span b h1 h2 h3 ul ol li dl dt dd
    details summary table thead tbody tr th td code pre form label input select option fieldset legend button output
    svg symbol use g desc circle path rect line text
"""
TAGS = frozenset(_TAGS.split())


def is_inert(written):
    """The page holds what we put there, and none of what was in the texts."""
    text = written.decode("utf-8")
    tree = lxml.html.document_fromstring(written, parser=PARSER)
    assert len(tree.findall(".//script")) == len(tree.findall(".//style")) == 1
    assert tree.find(".//script").attrib == {}
    assert {element.tag for element in tree.iter() if isinstance(element.tag, str)} <= TAGS
    for element in tree.iter(*TAGS):
        names = set(element.keys())
        assert not {
            name for name in names if name.startswith("on") or name in {"src", "style", "srcdoc", "action"}
        }
        for name in names & {"href", "xlink:href"}:
            assert element.get(name).startswith("#") or element.tag == "link"
    assert not tree.xpath("//comment()")
    assert not re.search(
        "[\x00-\x09\x0b-\x1f\x7f-\x9f\xad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufffe\uffff]", text
    )
    return tree


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_is_text_wherever_it_stands(waited, check, attack):
    changes = {
        **waited.timeline.changes,
        f"dags/{attack}": (Change(1.0, Status.FAILED, Reason.DAG_MISSING, parsed=False),),
    }
    poisoned = check(
        attack, Status.FAILED, message=attack, file=attack, advice=attack, id=f"dags/{attack}",
        details={"stack_trace": attack, "diff": [attack], attack: attack},
    )  # fmt: skip
    odd = check("x", Status.FAILED, area=attack)
    written = html.render(
        replace(
            waited,
            checks=(poisoned, odd, *waited.checks),
            summary=attack,
            environment=attack,
            airflow_version=attack,
            gate_version=attack,
            assumptions=(attack,),
            request_ids=(attack,),
            next_steps=(attack,),
            timeline=Timeline(waited.timeline.looks, changes),
        )
    )

    tree = is_inert(written)

    words = " ".join(attack.split())
    assert words_of(tree.find(".//h1")) == f"Failed: {words}"
    assert words_of(tree).count(words) >= 12
    assert tree.find(".//pre").text == attack + "\n"
    assert tree.find(".//details[@data-status='failed']//tbody/tr").get("data-area") == "dags"
    assert "49" not in words_of(row_of(tree, words))


_AT = st.floats(0, 1e5) | st.sampled_from([float("nan"), float("inf")])
_CHANGE = st.builds(Change, _AT, st.sampled_from(Status), st.none() | st.sampled_from(Reason), st.booleans())


@HOSTILE
@given(data=st.data())
def test_no_text_gets_out_of_its_place_whatever_the_report(hostile, commands_in, data):
    report = data.draw(hostile)
    looks = data.draw(st.lists(st.builds(Look, _AT, st.integers(0, 99), st.integers(0, 9)), max_size=3))
    ids = st.sampled_from([check.id for check in report.checks])
    changes = data.draw(st.dictionaries(ids, st.lists(_CHANGE, max_size=3).map(tuple)))

    written = html.render(replace(report, timeline=Timeline(tuple(looks), changes)))

    tree = is_inert(written)
    assert len(tree.findall(".//tbody/tr")) == len(report.checks)
    assert not commands_in(written.decode())


@pytest.mark.parametrize("text", ["\ud800", "\x00", "\ufffe", "\x1b[2J", "\u202e", "\U000e0041", "a\ud83d"])
def test_no_character_breaks_the_page(report, check, text):
    is_inert(html.render(report(check(text, message=text, details={"stack_trace": text}), summary=text)))


def test_the_policy_allows_one_script_and_one_style_by_their_hashes_and_no_more(waited):
    tree = tree_of(waited)
    policy = dict(
        part.strip().split(" ", 1) for part in tree.xpath("string(//meta[@http-equiv]/@content)").split(";")
    )

    def hash_of(name):
        digest = hashlib.sha256(tree.find(f".//{name}").text.encode()).digest()
        return f"'sha256-{base64.b64encode(digest).decode()}'"

    assert policy == {
        "default-src": "'none'",
        "script-src": hash_of("script"),
        "style-src": hash_of("style"),
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    assert tree.xpath("//meta[@http-equiv]/preceding-sibling::*/@charset") == ["utf-8"], (
        "it stands before all it rules"
    )


def test_the_templates_come_along_in_a_zip(tmp_path):
    house = Path(validator.__file__).parent
    archive = tmp_path / "gate.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for path in house.rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                packed.write(path, path.relative_to(house.parent))
    code = (
        f"import sys; sys.path.insert(0, {str(archive)!r})\n"
        "from datetime import datetime, timezone\n"
        "from validator.finding import Status\n"
        "from validator.report import Check, Report, html\n"
        "now = datetime.now(timezone.utc)\n"
        "checks = (Check('a/b', 'a', 'b', Status.PASSED, 'fine'),)\n"
        "report = Report(Status.PASSED, 0, 's', 'e', None, '0', now, None, None, (), 1.0, 1, checks)\n"
        "assert '.zip' in html.__file__, html.__file__\n"
        "print(html.render(report)[:15].decode())\n"
    )

    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path
    )

    assert (ended.returncode, ended.stdout) == (0, "<!DOCTYPE html>\n"), ended.stderr
