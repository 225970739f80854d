"""What is expected in all: the manifest, and what the local folder surely defines for the Airflow at hand."""

from dataclasses import replace

import pytest
from demands import folder, local_file
from rounds import UNREAD, dag, manifest, nothing_seen, seen

from validator.expectations import Expectations, reading_of
from validator.local.model import Reading
from validator.manifest.model import ExpectedDag
from validator.s3.interface import LocalDigest
from validator.transport.interface import EnvironmentFacts


def of(expected, local_folder, observation=None, **options):
    observation = observation or seen(environment=EnvironmentFacts(options=options))
    return Expectations(expected, local_folder).of(observation)


def dags_of(wanted):
    return {dag.dag_id: dag.file for dag in wanted.manifest.dags}


def test_without_a_folder_the_manifest_is_all():
    expected = manifest("a")

    wanted = Expectations(expected).of(seen(dag()))

    assert wanted.manifest is expected
    assert not wanted.local
    assert not wanted.digests


def test_what_files_surely_define_is_expected_from_them():
    files = folder(local_file("a.py", "a"), local_file("team/two.py", "b", "c"))

    assert dags_of(of(manifest(), files)) == {"a": "a.py", "b": "team/two.py", "c": "team/two.py"}


def test_an_entry_without_a_file_gets_that_of_the_folder_and_keeps_what_it_says():
    entry = ExpectedDag("a", paused=False, tags=("x",))

    (wanted,) = of(manifest(entry), folder(local_file("a.py", "a"))).manifest.dags

    assert wanted == replace(entry, file="a.py")


def test_a_file_that_the_manifest_names_goes_before_the_folders():
    wanted = of(manifest(ExpectedDag("a", file="other.py")), folder(local_file("a.py", "a")))

    assert dags_of(wanted) == {"a": "other.py"}


def test_entries_that_the_folder_does_not_define_stay():
    assert dags_of(of(manifest("z"), folder(local_file("a.py", "a")))) == {"z": None, "a": "a.py"}


def test_an_id_that_two_files_define_is_expected_once():
    files = folder(local_file("a.py", "a"), local_file("b.py", "a"))

    assert dags_of(of(manifest(), files)) == {"a": "a.py"}


def test_a_computed_file_and_a_helper_add_no_dag():
    files = folder(local_file("made.py", computes=True), local_file("helper.py"))
    wanted = of(manifest("a"), files)

    assert dags_of(wanted) == {"a": None}
    assert set(wanted.local) == {"made.py", "helper.py"}


def test_files_below_a_prefix_are_named_as_in_the_environment():
    wanted = of(manifest(), folder(local_file("etl/a.py", "a"), prefix="team_a"))

    assert dags_of(wanted) == {"a": "team_a/etl/a.py"}
    assert set(wanted.local) == {"team_a/etl/a.py"}


def test_files_that_this_airflow_does_not_read_are_no_expectation():
    no_words = local_file("script.py", "s", words=frozenset({"dag"}))
    hidden = local_file("old/a.py", "old")
    files = folder(local_file("a.py", "a"), no_words, hidden, ignores={"": "old/\n"})

    assert dags_of(of(manifest(), files)) == {"a": "a.py"}


def test_which_files_count_depends_on_the_airflow():
    """A file that mentions asset and not dag; a pattern that is a glob to one and no match to the other."""
    asset = local_file("asset.py", "made", words=frozenset({"airflow", "asset"}))
    files = folder(local_file("a.py", "a"), asset, ignores={"": "?.py\n"})
    both = Expectations(manifest(), files)

    assert dags_of(both.of(seen(airflow="3.0"))) == {"made": "asset.py"}
    assert dags_of(both.of(seen(airflow="2"))) == {"a": "a.py"}, (
        "to RE2 the line is no expression and hides nothing"
    )
    assert dags_of(both.of(nothing_seen())) == dags_of(both.of(None)) == {"made": "asset.py"}


@pytest.mark.parametrize(
    ("airflow", "options", "reading"),
    [
        ("2", {}, Reading(glob=False, assets=False)),
        ("3.0", {}, Reading(glob=True, assets=True)),
        ("3.3", {}, Reading(glob=True, assets=True)),
        ("2", {"core.dag_ignore_file_syntax": "glob"}, Reading(glob=True, assets=False)),
        ("3.0", {"core.dag_ignore_file_syntax": " RegExp "}, Reading(glob=False, assets=True)),
        ("3.0", {"core.dag_ignore_file_syntax": "nonsense"}, Reading(glob=True, assets=True)),
        ("3.0", {"core.dag_discovery_safe_mode": "False"}, Reading(glob=True, assets=True, safe_mode=False)),
        ("2", {"core.dag_discovery_safe_mode": "f"}, Reading(glob=False, assets=False, safe_mode=False)),
        ("2", {"core.dag_discovery_safe_mode": "True"}, Reading(glob=False, assets=False)),
    ],
)
def test_how_files_are_picked_is_the_versions_default_unless_the_environment_says_more(
    airflow, options, reading
):
    observation = seen(airflow=airflow, environment=EnvironmentFacts(options=options))

    assert reading_of(observation) == reading


def test_without_getenvironment_the_versions_defaults_are_taken():
    assert reading_of(seen(airflow="2", environment=UNREAD)) == Reading(glob=False, assets=False)
    assert reading_of(seen(airflow="3.0", environment=None)) == Reading(glob=True, assets=True)


def test_the_folder_is_read_once_for_each_kind_of_airflow():
    expectations = Expectations(manifest(), folder(local_file("a.py", "a")))

    assert expectations.of(seen()).local is expectations.of(seen(now=130)).local


def test_which_files_are_read_is_sure_once_the_environment_told_its_settings():
    plain = folder(local_file("a.py", "a"))
    hides = replace(plain, ignores={"": "old_"})

    for given, environment, sure in [
        (plain, UNREAD, True),
        (hides, UNREAD, False),
        (hides, None, True),
        (hides, EnvironmentFacts(), True),
    ]:
        assert Expectations(manifest(), given).of(seen(environment=environment)).sure is sure
    assert not Expectations(manifest(), hides).of(nothing_seen()).sure


def test_an_excluded_file_that_others_import_makes_s3s_times_worthless():
    one = local_file("a.py", "a", text="import version\n")
    given = folder(one, local_file("version.py", text="x = 1\n"), digests=(LocalDigest("a.py", 1, "0" * 32),))

    assert Expectations(manifest(), given).of(seen()).alone is None
    unused = replace(given, files=(replace(one, text="x = 1\n"), given.files[1]))
    assert Expectations(manifest(), unused).of(seen()).alone == {"a.py"}
