"""What GitHub is told of a report: annotations within its limits, and values that nobody can break out of."""

import itertools
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from validator.finding import Status
from validator.reasons import Reason
from validator.report.github import MESSAGE_LIMIT, Annotation, annotate, outputs

HOSTILE = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def here(file):
    return f"repo/{file}"


def nowhere(file):
    return None


def parsed(annotation):
    """As the runner reads the line: level, properties, message."""
    level, given, data = re.fullmatch(r"::(\w+) (.*?)::(.*)", annotation.command()).groups()
    properties = dict(pair.split("=", 1) for pair in given.split(","))
    for escaped, character in (("%3A", ":"), ("%2C", ","), ("%0D", "\r"), ("%0A", "\n"), ("%25", "%")):
        properties = {name: value.replace(escaped, character) for name, value in properties.items()}
        if escaped not in ("%3A", "%2C"):
            data = data.replace(escaped, character)
    return level, properties, data


def units(text):
    return len(text.encode("utf-16-le")) // 2


@HOSTILE
@given(st.data())
def test_a_hostile_report_makes_annotations_that_are_one_line_each_and_nothing_else(
    hostile, commands_in, data
):
    report = data.draw(hostile)
    troubles = data.draw(st.lists(st.text(max_size=5), max_size=2))
    for annotation in annotate(report, data.draw(st.sampled_from([here, nowhere])), troubles):
        line = annotation.command()
        assert commands_in(line) == [line], "one command, and it is ours"
        level, properties, message = parsed(annotation)
        assert level in ("error", "warning")
        assert set(properties) <= {"file", "line", "title"}
        assert properties["title"]
        assert message.strip()
        assert units(message) <= MESSAGE_LIMIT
        line.encode()


def test_the_line_is_escaped_as_the_runner_reads_it_back():
    annotation = Annotation("error", "a:b,c%0A", ("1%\r2", "::error::x"), "d,a:g.py", 3)
    line = annotation.command()
    assert line == "::error file=d%2Ca%3Ag.py,line=3,title=a%3Ab%2Cc%250A::1%25%0D2%0A::error::x"
    assert parsed(annotation) == (
        "error",
        {"file": "d,a:g.py", "line": "3", "title": "a:b,c%0A"},
        "1%\r2\n::error::x",
    )


def test_a_red_is_an_error_at_its_file_and_line_with_trace_and_advice(check, report):
    one = check(
        "etl", Status.FAILED, reason=Reason.DAG_IMPORT_ERROR, file="dags/etl.py", line=7,
        details={"stack_trace": "Traceback\nSyntaxError: no"}, advice="Mend it.",
    )  # fmt: skip
    (annotation,) = annotate(report(one, verdict=Status.FAILED), here)
    level, properties, message = parsed(annotation)
    assert (level, properties) == (
        "error",
        {"file": "repo/dags/etl.py", "line": "7", "title": "etl: dag-import-error"},
    )
    assert message == "etl is not as expected.\n| Traceback\n| SyntaxError: no\nWhat to do: Mend it."


def test_a_file_that_is_not_in_the_workspace_is_told_and_not_linked(check, report):
    one = check("etl", Status.FAILED, file="etl.py", line=7)
    (annotation,) = annotate(report(one, verdict=Status.FAILED), nowhere)
    _, properties, message = parsed(annotation)
    assert set(properties) == {"title"}
    assert "at etl.py:7" in message


def test_what_could_not_be_seen_accuses_no_file_and_is_one_error_for_one_cause(check, report):
    checks = [
        check(f"dag_{n}", Status.ERROR, reason=Reason.UNREACHABLE, file="etl.py", line=3) for n in range(30)
    ]
    (annotation,) = annotate(report(*checks, verdict=Status.ERROR), here)
    _, properties, message = parsed(annotation)
    assert properties == {"title": "mwaa-gate: cannot tell (unreachable)"}
    assert message.startswith("dag_0, dag_1, dag_2 and 27 more: ")


def test_dags_of_one_broken_file_are_one_error(check, report):
    details = {"stack_trace": "SyntaxError: no"}
    checks = [check(f"dag_{n}", Status.FAILED, file="a.py", line=3, details=details) for n in range(5)]
    (annotation,) = annotate(report(*checks, verdict=Status.FAILED), here)
    assert annotation.title.startswith("dag_0, dag_1, dag_2 and 2 more: ")


@pytest.mark.parametrize("count", [9, 10, 11, 500])
@pytest.mark.parametrize(("status", "level"), [(Status.FAILED, "error"), (Status.WARNING, "warning")])
def test_no_more_than_ten_of_a_level_and_the_last_counts_the_rest(check, report, count, status, level):
    checks = [check(f"dag_{n}", status) for n in range(count)]
    verdict = Status.FAILED if status is Status.FAILED else Status.PASSED
    shown = annotate(report(*checks, verdict=verdict), nowhere)
    assert len(shown) == min(count, 10)
    assert {one.level for one in shown} == {level}
    assert sum(one.count for one in shown) == count, "every check is spoken of"
    if count > 10:
        assert parsed(shown[-1])[1]["title"] == f"mwaa-gate: {count - 9} more"


def test_the_most_severe_come_first(check, report):
    checks = [
        check("w", Status.WARNING), check("e", Status.ERROR, reason=Reason.UNREACHABLE), check("s", Status.SKIPPED),
        check("f", Status.FAILED), check("p"),
    ]  # fmt: skip
    shown = annotate(report(*checks, verdict=Status.FAILED), nowhere, ["cannot write r.xml: full"])
    assert [(one.level, one.lines[0][:6]) for one in shown] == [
        ("error", "cannot"), ("error", "f is n"), ("error", "e: e i"), ("warning", "w is n"),
    ]  # fmt: skip


@pytest.mark.parametrize("code", [130, 143])
def test_an_interruption_is_an_error_though_nothing_is_red(check, report, code):
    told = report(
        check("etl", Status.SKIPPED, reason=Reason.UNDECIDED),
        verdict=Status.ERROR,
        exit_code=code,
        summary="Interrupted by SIGTERM.",
    )
    (annotation,) = annotate(told, nowhere)
    assert parsed(annotation)[2] == "Interrupted by SIGTERM."


def test_an_interruption_is_told_before_the_reds_that_were_seen(check, report):
    told = report(check("etl", Status.FAILED), verdict=Status.ERROR, exit_code=143, summary="Interrupted.")
    first, second = annotate(told, nowhere)
    assert parsed(first)[2] == "Interrupted."
    assert second.title.startswith("etl: ")


def test_the_rest_counts_checks_and_not_groups_of_them(check, report):
    checks = [
        check(f"dag_{n}_{m}", Status.FAILED, message=f"Group {n}.") for n in range(11) for m in range(2)
    ]
    shown = annotate(report(*checks, verdict=Status.FAILED), nowhere)
    assert len(shown) == 10
    assert shown[-1].title == "mwaa-gate: 4 more"


@pytest.mark.parametrize("verdict", [Status.FAILED, Status.ERROR])
def test_whatever_is_not_green_has_an_error(check, report, verdict):
    assert [one.level for one in annotate(report(check("etl"), verdict=verdict), nowhere)] == ["error"]


@pytest.mark.parametrize("name", ["a\u2028::error::x.py", "a\udcff.py", "##[error]x.py", "a\nb.py"])
def test_a_file_with_a_name_that_a_log_would_obey_is_not_linked(check, report, name):
    (annotation,) = annotate(report(check("etl", Status.FAILED, file=name), verdict=Status.FAILED), here)
    assert set(parsed(annotation)[1]) == {"title"}


def test_green_is_silent(report):
    assert annotate(report(), here) == []


@given(st.dictionaries(st.sampled_from(["verdict", "junit", "report"]), st.text()))
def test_values_stay_their_own(values):
    counter = itertools.count()
    text = outputs(values, lambda: f"end{next(counter)}").decode()
    blocks = re.findall(r"^(\w+)<<(end\d+)\n(.*?)\n\2\n", text, re.MULTILINE | re.DOTALL)
    assert {name: value for name, _, value in blocks} == values
    assert text == "\n" + "".join(f"{name}<<{end}\n{value}\n{end}\n" for name, end, value in blocks)


def test_a_value_never_holds_its_own_delimiter():
    delimiters = iter(["end", "other"])
    assert outputs({"a": "x\nend\nb=c"}, lambda: next(delimiters)) == b"\na<<other\nx\nend\nb=c\nother\n"


def test_a_value_that_is_no_text_is_spelled_out():
    assert outputs({"junit": "a\udcff.xml"}, lambda: "end") == b"\njunit<<end\na\\udcff.xml\nend\n"
