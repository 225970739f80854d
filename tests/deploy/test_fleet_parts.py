"""A fleet's parts: what its input asks for, what its results come to, and its files, hostile and huge ones too."""

import json
import re
import tracemalloc
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from junitparser import JUnitXml
from lxml import html

from validator.errors import CallFailed, CannotTell, UsageError
from validator.finding import Status
from validator.reasons import Reason
from validator.serverless import fleet, fleet_junit, fleet_plan
from validator.serverless.answers import SHORT_LIMIT
from validator.serverless.fleet_page import render
from validator.serverless.fleet_plan import MOST_ENVIRONMENTS, items_of, order_of
from validator.serverless.fleet_verdict import judge
from validator.serverless.parameters import parse_parameters

NAMES = ["a", "b", "c", "d"]


def result(index, verdict="passed", **more):
    code = {"passed": 0, "failed": 1}.get(verdict, 3)
    return {
        "index": index,
        "verdict": verdict,
        "exit_code": code,
        "summary": f"it {verdict}",
        "reasons": [],
        **more,
    }


def order(**more):
    return order_of({"environments": [{"environment": "a"}], "reports": "s3://bucket/gate", **more}, "run-1")


class Memory:
    """A Store in memory."""

    def __init__(self, *, refuse=""):
        self.objects = {}
        self._refuse = refuse

    def read(self, where, limit):
        data = self.objects.get(str(where))
        if data is None:
            raise CannotTell(Reason.NOT_FOUND, f"there is no {where}")
        if len(data) > limit:
            raise CallFailed(Reason.BAD_RESPONSE, f"{where} is too large", retry=False)
        return data

    def write(self, where, data, content_type):
        if self._refuse and self._refuse in str(where):
            raise CannotTell(Reason.ACCESS_DENIED, f"AWS denied s3:PutObject on {where}")
        self.objects[str(where)] = data


def begun(store, names=NAMES, **more):
    given_ = {
        "environments": [{"environment": name} for name in names],
        "reports": "s3://bucket/gate",
        **more,
    }
    return fleet.answer({"begin": given_, "run": "run-1"}, store)


def ended(store, results, **more):
    end = {
        "fleet": "nightly",
        "reports": "s3://bucket/gate/run-1",
        "tolerated_failure_percentage": 0,
        "lost": "",
    }
    return fleet.answer({"end": {**end, "results": results, **more}}, store)


@pytest.mark.parametrize(
    ("given_", "said"),
    [
        ({"max_concurrency": True}, "`max_concurrency`"),
        ({"max_rounds": 1.5}, "`max_rounds`"),
        ({"tolerated_failure_percentage": 101}, "`tolerated_failure_percentage`"),
        ({"tolerated_lost_percentage": -1}, "`tolerated_lost_percentage`"),
        ({"reports": "bucket/x"}, "`reports`"),
        ({"reports": 3}, "`reports` must be an s3:// URI"),
        ({"settings": []}, "`settings`"),
        ({"fleet": "<b>"}, "`fleet` must be a name"),
        ({"list": "s3://bucket/list.json"}, "either `environments`"),
        ({"environments": "a"}, "`environments` must be a list"),
        ({"typo": 1, "max_concurrency": 0}, "`max_concurrency`"),
    ],
)
def test_a_wrong_input_is_refused_by_name(given_, said):
    with pytest.raises(UsageError) as caught:
        order(**given_)

    assert said in caught.value.message


@pytest.mark.parametrize("given_", [None, [], "x", {}, {"environments": []}])
def test_an_input_that_is_none_is_refused(given_):
    with pytest.raises(UsageError):
        order_of(given_, "run-1")


@pytest.mark.parametrize("run", ["", "a/b", None, "x" * 81, "nightly@1", ".", ".."])
def test_an_execution_whose_name_can_be_no_folders_is_refused_by_it(run):
    with pytest.raises(
        UsageError, match=r"execution's name, .* of at most 80 letters, digits and _ \. -"
    ) as caught:
        order_of({"environments": [{"environment": "a"}], "reports": "s3://bucket"}, run)

    assert repr(str(run)) in caught.value.message


@pytest.mark.parametrize(
    ("environments", "said"),
    [
        ([], "checks nothing"),
        (None, "checks nothing"),
        (["a"], "environment 0 is no object"),
        ([{"manifest": {}}], "environment 0 has no `environment`"),
        ([{"environment": "../x"}], "environment 0 has no `environment`"),
        ([{"environment": "a", "token": "x"}], "may not set `token`"),
        (
            [{"environment": "a", "detail-type": "x", "detail": {"environment": "b"}}],
            "may not set `detail-type`",
        ),
        ([{"environment": "a", "CodePipeline.job": {}}], "may not set `CodePipeline.job`"),
        ([{"environment": "a", "reports": "s3://else/x"}], "may not set `reports`"),
        ([{"environment": "a", "answer": "report"}], "may not set `answer`"),
        ([{"environment": "a", "manifest": "x" * 200_000}], "more than 200,000 bytes"),
        ([{"environment": "a"}] * (MOST_ENVIRONMENTS + 1), "make two"),
    ],
)
def test_a_wrong_environment_is_refused_by_its_place(environments, said):
    with pytest.raises(UsageError) as caught:
        items_of(order(), environments)

    assert said in caught.value.message


def test_settings_are_shared_and_an_environments_own_win():
    given_ = order(settings={"interval": "5s", "timeout": "1h"}, max_rounds=7)
    items = items_of(given_, [{"environment": "a", "timeout": "2h"}, {"environment": "a"}])

    assert [item["event"]["timeout"] for item in items] == ["2h", "1h"]
    assert [item["event"]["interval"] for item in items] == ["5s", "5s"]
    assert [item["event"]["reports"] for item in items] == [
        "s3://bucket/gate/run-1/0",
        "s3://bucket/gate/run-1/1",
    ]
    assert {(item["rounds"], item["max_rounds"]) for item in items} == {(0, 7)}


@pytest.mark.parametrize(
    ("concurrency", "own", "tps"), [(10, {}, 1.0), (1, {}, 10.0), (1000, {}, 0.1), (5, {"max_tps": 4}, 4)]
)
def test_environments_at_once_share_the_accounts_calls_a_second_unless_told_otherwise(concurrency, own, tps):
    (item,) = items_of(order(max_concurrency=concurrency), [{"environment": "a", **own}])

    assert item["event"]["max_tps"] == tps


RESULTS = st.lists(
    st.none()
    | st.text(max_size=3)
    | st.fixed_dictionaries(
        {},
        optional={
            "index": st.integers(-1, 5) | st.booleans() | st.none(),
            "verdict": st.sampled_from(["passed", "failed", "error", "pending", "", None, 1]),
            "exit_code": st.integers(-1, 4) | st.none() | st.booleans() | st.just([]) | st.just({}),
            "summary": st.text(max_size=5) | st.none(),
            "reasons": st.lists(st.text(max_size=3) | st.none(), max_size=2) | st.none(),
        },
    ),
    max_size=6,
)


@given(RESULTS | st.none() | st.text(), st.integers(0, 100), st.sampled_from(["", "States.Timeout"]))
def test_a_fleet_is_green_only_if_each_environment_has_one_result_that_says_so(results, tolerated, lost):
    seen = judge("f", NAMES, results, tolerated, lost)

    assert [row.index for row in sorted(seen.rows, key=lambda row: row.index)] == [0, 1, 2, 3]
    rows = results if isinstance(results, list) else []
    for row in seen.rows:
        own = [
            one
            for one in rows
            if isinstance(one, dict) and one.get("index") == row.index and type(one["index"]) is int
        ]
        if row.verdict is not Status.ERROR:
            assert len(own) == 1
            assert (own[0]["verdict"], own[0]["exit_code"]) == (
                str(row.verdict),
                int(row.verdict is Status.FAILED),
            )
    if seen.verdict is Status.PASSED:
        assert not seen.count(Status.ERROR)
        assert not lost
        assert seen.count(Status.FAILED) * 100 <= tolerated * 4
        assert seen.exit_code == 0
    else:
        assert seen.exit_code == (1 if seen.verdict is Status.FAILED else 3)


@pytest.mark.parametrize("code", [[], {}, [0], "0", 0.0, False])
def test_an_exit_code_that_is_none_contradicts_its_verdict(code):
    seen = judge("f", NAMES[:1], [{**result(0), "exit_code": code}], 100, "")

    assert seen.verdict is Status.ERROR
    assert "contradicts itself" in seen.summary


def test_a_map_that_ended_early_is_no_green_whatever_came_back():
    assert judge("f", NAMES[:1], [result(0)], 100, "States.Timeout").verdict is Status.ERROR


@pytest.mark.parametrize(
    ("results", "tolerated", "verdict"),
    [
        ([result(0), result(1), result(2), result(3)], 0, "passed"),
        ([result(0, "failed"), result(1), result(2), result(3)], 0, "failed"),
        ([result(0, "failed"), result(1), result(2), result(3)], 24, "failed"),
        ([result(0, "failed"), result(1), result(2), result(3)], 25, "passed"),
        ([result(0, "failed"), result(1, "error"), result(2), result(3)], 25, "error"),
        ([result(0, "failed"), result(1, "failed"), result(2, "error"), result(3)], 25, "failed"),
        ([result(0), result(1), result(2)], 100, "error"),
        ([result(0), result(1), result(2), result(2)], 100, "error"),
        ([result(0), result(1), result(2), result(3), result(4)], 100, "error"),
        ([], 100, "error"),
        ([result(0), result(1), result(2), result(3, exit_code=3)], 0, "error"),
        ([result(0), result(1), result(2), result(3, exit_code=False)], 0, "error"),
    ],
)
def test_reds_beyond_what_is_tolerated_come_first_then_what_is_unknown(results, tolerated, verdict):
    assert str(judge("f", NAMES, results, tolerated, "").verdict) == verdict


def test_the_summary_names_the_reds_first_and_how_many_more_there_are():
    names = [f"env-{number}" for number in range(20)]
    rows = [result(number, "failed" if number % 2 else "error") for number in range(20)]

    summary = judge("nightly", names, rows, 0, "").summary

    assert summary.startswith(
        "The fleet nightly failed: of 20 environments 10 failed, 10 cannot be told, 0 passed."
    )
    assert re.findall(r"env-\d+", summary) == ["env-1", "env-3", "env-5", "env-7", "env-9"]
    assert "and 15 more" in summary


def test_two_hundred_of_the_largest_results_fit_into_one_payload():
    uri = "s3://b/p/r/0/e/report.json"  # as short as a fleet's can be
    whole = {
        "state": "done",
        "environment": "e",
        "verdict": "passed",
        "exit_code": 0,
        "summary": "",
        "reasons": [],
    }
    whole |= {"counts": {"passed": 1}, "airflow_version": "3.0.6", "duration_s": 1.0}
    whole |= {"reports": {"json": uri, "junit": uri, "html": uri}}
    whole["summary"] = "x" * (SHORT_LIMIT - len(json.dumps(whole)))
    kept = {key: whole[key] for key in ("verdict", "exit_code", "summary", "reasons")}

    payload = json.dumps([{"index": 199, **kept}] * MOST_ENVIRONMENTS, separators=(",", ":"))
    assert len(json.dumps(whole)) == SHORT_LIMIT
    assert len(payload) + 2_000 < 256 * 1024


def junit(environment="a", verdict="passed", cases=3, text=""):
    root = ET.Element("testsuites")
    suite = ET.SubElement(
        root, "testsuite", name="dags", tests=str(cases), failures="0", errors="0", time="1.000"
    )
    properties = ET.SubElement(suite, "properties")
    ET.SubElement(properties, "property", name="verdict", value=verdict)
    for number in range(cases):
        case = ET.SubElement(
            suite, "testcase", classname=f"{environment}.dags", name=f"dag_{number}", time="0.000"
        )
        if verdict == "failed":
            ET.SubElement(case, "failure", message="m", type="dag-missing").text = text
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root)


def merged(rows, files, **more):
    def read(row, limit):
        if row.index not in files:
            raise fleet_junit.Unusable("it is not there")
        return files[row.index]

    return fleet_junit.merge(judge("f", NAMES, rows, 0, ""), read, **more)


def test_the_same_environment_twice_has_cases_of_its_own_each_time():
    rows = judge("f", ["a", "a"], [result(0), result(1)], 0, "")
    data, _ = fleet_junit.merge(rows, lambda row, limit: junit())

    names = [(case.classname, case.name) for suite in JUnitXml.fromstring(data) for case in suite]
    assert len(names) == len(set(names)) == 8
    assert {one for one, _ in names} == {"fleet f.environments", "a.dags", "a (2).dags"}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<testsuites/>",
        b"<testsuites>",
        b"not xml",
        junit(verdict="failed"),
        b'<!DOCTYPE x [<!ENTITY a "aaaa">]>' + junit().partition(b"?>\n")[2],
        junit().replace(b"</property>", b"").replace(b'value="passed"', b'value="error"'),
    ],
)
def test_a_report_that_does_not_fit_its_verdict_is_left_out_and_noted(data):
    out, seen = merged([result(0), result(1), result(2), result(3)], dict.fromkeys(range(4), data))

    assert all(row.note and row.tests is None for row in seen.rows)
    assert len(JUnitXml.fromstring(out)) == 1


@pytest.mark.parametrize("told", ["failed", "error"])
def test_a_green_whose_report_is_none_cannot_be_told_and_comes_before_the_greens(told):
    files = {index: junit(verdict=told if index == 2 else "passed") for index in range(4)}
    out, seen = merged([result(index) for index in range(4)], files)

    assert seen.verdict is Status.ERROR
    assert [row.index for row in seen.rows] == [2, 0, 1, 3]
    assert f"its JUnit report says {told}, and not passed" in seen.summary
    assert JUnitXml.fromstring(out).errors == 1


@pytest.mark.parametrize("verdict", ["failed", "error"])
def test_a_report_that_says_passed_makes_nothing_green(verdict):
    rows = [result(0, verdict), *(result(index) for index in range(1, 4))]
    _, seen = merged(rows, {index: junit() for index in range(4)})

    assert str(seen.rows[0].verdict) == verdict
    assert seen.rows[0].note


def test_what_does_not_fit_into_the_file_is_green_and_still_told():
    files = {index: junit(verdict="failed" if index == 3 else "passed", cases=50) for index in range(4)}
    rows = [result(0), result(1), result(2), result(3, "failed")]
    out, seen = merged(rows, files, limit=2 * len(files[3]))

    suites = [suite.name for suite in JUnitXml.fromstring(out)]
    assert suites[:2] == ["fleet f", "d: dags"]
    assert len(suites) < 5
    left = [row for row in seen.rows if "which is full" in row.note]
    assert left
    assert all(row.verdict is Status.PASSED and row.tests.total == 50 for row in left)
    assert len(list(next(iter(JUnitXml.fromstring(out))))) == 4


def test_memory_is_bounded_by_the_file_and_one_report_however_many_there_are():
    # In full, 200 reports of 1,000 DAGs with stack traces: 48 MiB of file, a peak of 100 MiB, 4 s of CPU.
    trace = "Traceback\n" + "| line of a stack trace\n" * 40
    red, limit = junit(verdict="failed", cases=300, text=trace), 2 * 2**20
    rows = judge("f", [f"env-{n}" for n in range(30)], [result(n, "failed") for n in range(30)], 0, "")

    tracemalloc.start()
    data, seen = fleet_junit.merge(rows, lambda row, most: red, limit)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert len(red) * 30 > 4 * limit
    assert len(data) < limit + 2**17
    assert peak < 2 * limit + 12 * len(red)
    assert all(row.tests or row.note for row in seen.rows)


HOSTILE = "<script>alert(1)</script>\"'>{{7*7}} javascript:x \u202e\ud800\x00 ::error::x ##[group]"


def test_a_hostile_result_acts_neither_in_the_page_nor_in_the_junit_file(capsys):
    store = Memory()
    begun(store, ["a", "b"])
    answer = ended(store, [result(0, "failed", summary=HOSTILE, reasons=[HOSTILE]), result(1)], lost=HOSTILE)

    page = store.objects["s3://bucket/gate/run-1/fleet.html"].decode()
    document = html.fromstring(page)
    assert not document.xpath("//script | //img | //iframe | //@onerror | //@onclick")
    assert "49" not in document.xpath("string(//tbody)")
    assert "{{7*7}}" in document.xpath("string(//tbody)")
    data = store.objects["s3://bucket/gate/run-1/junit.xml"]
    assert JUnitXml.fromstring(data).failures == 1
    for text in (page, data.decode(), json.dumps(answer)):
        assert "##[" not in text
        assert not any(line.strip().startswith("::") for line in text.splitlines())
    assert len(json.dumps(answer)) < 20_000


def test_the_page_allows_its_own_style_alone_and_fetches_nothing():
    seen = judge("f", NAMES, [result(0), result(1), result(2), result(3)], 0, "")
    page = render(seen, {0: "0/a/report.html"}, {"finished": "now"}).decode()
    policy = html.fromstring(page).xpath("string(//meta[@http-equiv]/@content)")

    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "STYLE-HASH" not in page
    assert not re.findall(r"(?:src|url)\s*[=(]", page)
    assert html.fromstring(page).xpath("//a/@href") == ["0/a/report.html"]


def test_the_files_that_could_not_be_written_turn_a_green_fleet_into_one_that_cannot_be_told():
    store = Memory(refuse="fleet.html")
    begun(store, ["a"])
    answer = ended(store, [result(0)])

    assert (answer["verdict"], answer["exit_code"]) == ("error", 3)
    assert "s3:PutObject" in answer["summary"]
    assert set(answer["reports"]) == {"junit", "json"}


def test_an_end_without_its_beginning_cannot_be_told():
    answer = ended(Memory(), [result(0)])

    assert (answer["verdict"], answer["exit_code"]) == ("error", 3)


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"[1]", b'[{"event": {}}]', b"null", b"\xff"])
def test_a_list_that_was_changed_in_between_cannot_be_told(data):
    store = Memory()
    store.objects["s3://bucket/gate/run-1/items.json"] = data

    assert ended(store, [result(0)])["verdict"] == "error"


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["begin", "run", "end", "results", "fleet", "reports", "lost"]) | st.text(max_size=3), inner, max_size=4), max_leaves=8))  # fmt: skip  # noqa: E501 - one strategy
def test_any_request_is_answered_and_none_of_nonsense_is_green(request):
    answer = fleet.answer(request, Memory())

    assert answer["verdict"] == "error"
    assert answer["exit_code"] in (2, 3)
    assert answer["summary"]


DOCUMENT = (Path(__file__).parents[2] / "docs" / "fleet.md").read_text(encoding="utf-8")


def test_the_documents_input_can_begin_a_fleet():
    example = json.loads(DOCUMENT.partition("```json\n")[2].partition("```")[0])

    order_ = order_of(example, "run-1")
    for item in items_of(order_, order_.environments):
        parse_parameters(item["event"])


def test_the_document_tells_every_key_of_the_input_with_its_default():
    rows = re.findall(
        r"^\| `(\w+)` \| ([^|]*) \|",
        DOCUMENT.partition("## The input")[2].partition("\n## ")[0],
        re.MULTILINE,
    )

    told = {key: default.strip().strip("`") for key, default in rows}
    assert set(told) == fleet_plan._KEYS
    for key, default in fleet_plan._DEFAULTS.items():
        assert told[key] == (json.dumps(default) if not isinstance(default, str) else default)


def test_the_document_shows_the_answer_as_it_is():
    store = Memory()
    begun(store, ["a", "b"])
    answer = ended(store, [result(0, "failed"), result(1)])
    shown = json.loads(DOCUMENT.partition("## The summary")[2].partition("```json\n")[2].partition("```")[0])

    assert list(shown) == list(answer)
    assert list(shown["counts"]) == list(answer["counts"])
    assert list(shown["failed"][0]) == list(answer["failed"][0])
