"""Local DAG files as Airflow reads them: without an error, with DAGs where there must be some, each id in one file."""

import pytest
from demands import folder, local, local_file, play
from rounds import UNREAD, at, dag, error, judge, manifest, seen, short

from validator.expectations import Expectations
from validator.manifest.model import ExpectedDag
from validator.state import SourceTrack, State

AIRFLOWS = ["2", "3.0", "3.3"]
MADE = local_file("made.py", computes=True)
HELPER = local_file("helper.py")
EQUAL = SourceTrack(0.0, at(60), at(60), "before")
"""Airflow's text of a file was seen to be the local one at 60: with a settle of 30 s a parse from 90 on is proof."""


def judged(*files, rows=(), expected=None, airflow="2", **others):
    """The findings where these files are local; on Airflow 3 their texts were seen to be equal."""
    sources = {one.name: EQUAL for one in files} if airflow != "2" else {}
    wanted = Expectations(expected or manifest(), folder(*files)).of(seen(airflow=airflow))
    moments = {key: others.pop(key) for key in ("settled",) if key in others}
    observation = seen(*rows, airflow=airflow, **others)
    return judge(
        wanted.manifest, observation, local=wanted.local, state=State(sources=sources), settle=30.0, **moments
    )


def of_files(found):
    return {name: short(one) for name, one in found.items() if name.startswith("files/")}


def test_without_a_folder_nothing_is_judged():
    assert of_files(judge(manifest("a"), seen(dag()))) == {}


@pytest.mark.parametrize("airflow", AIRFLOWS)
def test_a_file_whose_dags_are_known_is_judged_by_them(airflow):
    found = judged(local_file("a.py", "a"), rows=[dag(airflow=airflow)], airflow=airflow)

    assert of_files(found) == {}
    assert short(found["dags/a"]) == short(found["dags/a/file"]) == ("passed", None)


def test_a_known_dag_that_is_missing_or_elsewhere_is_red_by_itself():
    missing = judged(local_file("a.py", "a"))
    elsewhere = judged(local_file("a.py", "a"), rows=[dag(path="b.py", airflow="2")])

    assert short(missing["dags/a"]) == ("pending", "dag-missing")
    assert short(elsewhere["dags/a/file"]) == ("pending", "dag-wrong-file")


@pytest.mark.parametrize("airflow", AIRFLOWS)
def test_a_computed_file_needs_one_current_dag(airflow):
    def with_(*rows):
        return judged(MADE, rows=rows, airflow=airflow)["files/made.py"]

    row = {"path": "made.py", "airflow": airflow}
    assert short(with_(dag("m1", **row))) == ("passed", None)
    assert short(with_(dag("m1", **row), dag("m2", parsed=-50, **row))) == ("passed", None)
    assert short(with_(dag("m1", parsed=89, **row))) == ("pending", "dag-stale")
    assert short(with_(dag("m1", broken=True, **row))) == ("pending", "dag-stale")
    assert short(with_(dag("m1", parsed=131, **row))) == ("pending", "dag-stale")
    assert short(with_(dag("m1", active=False, **row))) == ("pending", "dag-missing")
    assert short(with_(dag("m1", path="other.py", airflow=airflow))) == ("pending", "dag-missing")


@pytest.mark.parametrize(("parsed", "turn"), [(59, False), (60, True), (89, True)])
def test_a_computed_file_had_its_turn_once_one_of_its_dags_was_parsed(parsed, turn):
    found = judged(MADE, rows=[dag("m1", parsed, path="made.py", airflow="2")])["files/made.py"]

    assert found.had_its_turn is turn


def test_a_computed_file_beside_known_dags_is_judged_by_these():
    both = local_file("a.py", "a", computes=True)

    assert of_files(judged(both, rows=[dag(airflow="2")])) == {}


def test_a_file_whose_only_known_dag_the_manifest_expects_elsewhere_is_judged_itself():
    found = judged(local_file("a.py", "a"), expected=manifest(ExpectedDag("a", file="b.py")))

    assert of_files(found) == {"files/a.py": ("pending", "dag-missing")}


def test_an_archives_dags_count_as_its_own():
    archive = local_file("lib.zip", text=None, archive=True, computes=True)

    found = judged(archive, rows=[dag("z", path="lib.zip/inner/z.py", airflow="2")])

    assert of_files(found) == {"files/lib.zip": ("passed", None)}


def test_a_file_that_could_not_be_read_here_says_why():
    found = judged(local_file("new.py", computes=True, problem="line 3 is no Python"))["files/new.py"]

    assert short(found) == ("pending", "dag-missing")
    assert "line 3 is no Python" in found.message


def test_a_list_that_moved_does_not_prove_that_a_computed_file_has_no_dag():
    assert short(judged(MADE, whole=False)["files/made.py"]) == ("error", "bad-response")


@pytest.mark.parametrize("file", [MADE, HELPER], ids=["computed", "helper"])
@pytest.mark.parametrize("which", ["dags_unread", "errors_unread"])
def test_a_file_is_not_judged_where_the_lists_could_not_be_read(file, which):
    found = judged(file, **{which: UNREAD})[f"files/{file.name}"]

    assert short(found) == ("error", "unreachable")


@pytest.mark.parametrize("airflow", AIRFLOWS)
@pytest.mark.parametrize("file", [MADE, HELPER], ids=["computed", "helper"])
def test_an_import_error_of_a_local_file_is_red_and_never_only_a_warning(airflow, file):
    broken = error(file.name, airflow=airflow)

    found = judged(file, errors=[broken], airflow=airflow)

    assert short(found[f"files/{file.name}"]) == ("pending", "import-error")
    assert found[f"files/{file.name}"].ripens.polls == 2
    assert "No module named 'nothing'" in found[f"files/{file.name}"].message
    assert not [name for name in found if name.startswith("import-errors/") and name != "import-errors/list"]


def test_an_import_error_of_another_file_is_nobodys():
    found = judged(HELPER, rows=[dag("b", airflow="2")], errors=[error("x/helper.py", airflow="2")])

    assert short(found["files/helper.py"]) == ("passed", None)


def test_an_error_from_before_the_files_arrived_is_not_final():
    found = judged(MADE, rows=[dag("b", airflow="2")], errors=[error("made.py", 59.9, airflow="2")])
    early = judged(HELPER, errors=[error("helper.py", 59.9, airflow="2")])

    assert found["files/made.py"].ripens is early["files/helper.py"].ripens is None


def test_what_may_be_broken_is_only_a_file_without_dags():
    def broken(file):
        expected = manifest(allow=["*.py"])
        return judged(file, expected=expected, errors=[error(file.name, airflow="2")])

    assert short(broken(HELPER)["files/helper.py"]) == ("passed", None)
    assert short(broken(MADE)["files/made.py"]) == ("pending", "import-error")
    assert short(broken(local_file("a.py", "a"))["dags/a"]) == ("pending", "dag-import-error")


def test_a_helper_waits_for_two_cycles_of_parses():
    def helper(**others):
        return short(judged(HELPER, rows=[dag("b", 95, airflow="2")], **others)["files/helper.py"])

    assert helper() == ("passed", None)
    assert helper(now=89) == ("pending", "undecided")
    assert helper(settled=100) == ("pending", "undecided")


def test_a_helpers_error_that_was_perhaps_overlooked_is_an_error():
    assert short(judged(HELPER, errors_whole=False)["files/helper.py"]) == ("error", "bad-response")


def test_a_role_that_may_not_see_a_helpers_error_does_not_judge_it():
    assert short(judged(HELPER, reads_all=False)["files/helper.py"]) == ("skipped", "limited-role")


def test_whether_the_role_sees_a_helpers_error_must_be_known():
    assert short(judged(HELPER, reads_all=UNREAD)["files/helper.py"]) == ("error", "unreachable")


def test_an_id_that_two_files_define_is_red_at_once():
    found = judged(
        local_file("a.py", "x"), local_file("b.py", "y", "x"), rows=[dag("x", path="a.py", airflow="2")]
    )

    twice = found["dags/x/defined-once"]
    assert short(twice) == ("failed", "dag-wrong-file")
    assert twice.details == {"places": ["a.py:3", "b.py:4"]}
    assert (twice.file, twice.line) == ("b.py", 4)
    assert "dags/y/defined-once" not in found


def test_an_id_that_one_file_defines_twice_is_red_too():
    found = judged(local_file("a.py", "x", "x"), rows=[dag("x", path="a.py", airflow="2")])

    assert found["dags/x/defined-once"].details == {"places": ["a.py:3", "a.py:4"]}


def parsed(*rows, airflow="2", **others):
    def answer(now):
        moment = now - now % 20
        return seen(
            *[dag(dag_id, moment, path=path, airflow=airflow) for dag_id, path in rows],
            now=now,
            airflow=airflow,
            **{key: value(now) for key, value in others.items()},
        )

    return answer


def test_a_folder_that_airflow_reads_is_green():
    files = folder(local_file("a.py", "a"), MADE, HELPER)

    wait = play(parsed(("a", "a.py"), ("m", "made.py")), manifest(), files)

    assert wait.word == "passed"
    assert {name for name in wait.found if name.startswith(("dags/", "files/"))} == {
        "dags/a",
        "dags/a/file",
        "files/made.py",
        "files/helper.py",
    }


def test_an_id_defined_twice_ends_the_wait_whatever_airflow_shows():
    wait = play(parsed(("a", "a.py")), manifest(), folder(local_file("a.py", "a"), local_file("b.py", "a")))

    assert wait.word == "failed"
    assert short(wait.found["dags/a/defined-once"]) == ("failed", "dag-wrong-file")


def test_a_helpers_error_that_heals_when_its_own_import_arrives_is_green():
    def errors(now):
        return [error("helper.py", 40, airflow="2")] if now < 75 else []

    wait = play(parsed(("a", "a.py"), errors=errors), manifest(), folder(local_file("a.py", "a"), HELPER))

    assert wait.word == "passed"


def test_a_broken_helper_is_red():
    def errors(now):
        return [error("helper.py", now - now % 20, airflow="2")]

    wait = play(parsed(("a", "a.py"), errors=errors), manifest(), folder(local_file("a.py", "a"), HELPER))

    assert wait.word == "failed"
    assert short(wait.found["files/helper.py"]) == ("failed", "import-error")


def test_with_a_role_that_may_not_see_it_a_helper_keeps_nothing_from_being_green():
    answer = parsed(("a", "a.py"), reads_all=lambda now: False)

    wait = play(answer, manifest(), folder(local_file("a.py", "a"), HELPER))

    assert wait.word == "passed"
    assert short(wait.found["files/helper.py"]) == ("skipped", "limited-role")


def test_while_it_is_not_known_which_files_are_read_nothing_is_final():
    """A file that .airflowignore hides may be the second one; its syntax is Airflow's to tell."""
    twice = local(local_file("a.py", "x"), local_file("old_a.py", "x"))
    rows = [dag("x", path="a.py")]

    assert short(judge(manifest(), seen(*rows), local=twice)["dags/x/defined-once"])[0] == "failed"
    unsure = judge(manifest(), seen(*rows), local=twice, files_are_sure=False)
    assert short(unsure["dags/x/defined-once"])[0] == "pending"
