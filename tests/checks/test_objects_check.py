"""The local folder against what S3 holds: proven, different, missing, or only of the same size."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from validator.airflow.models import Unread
from validator.checks.objects import NAMED, compare, deployed_by, judge
from validator.finding import Status
from validator.reasons import Reason
from validator.s3.interface import LocalDigest, S3Object

DEPLOYED = datetime(2026, 1, 31, 8, 0, 0, tzinfo=timezone.utc)
WHERE = "s3://bucket/dags"
OPAQUE = "0123456789abcdef0123456789abcdef"


def md5(content):
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def local(**contents):
    """Files by name (`a` is a.py) and content."""
    return tuple(LocalDigest(f"{name}.py", len(text), md5(text)) for name, text in contents.items())


def stored(content, seconds=-60, etag=None):
    """An object as a listing shows it, written so many seconds after the deploy."""
    return S3Object(len(content), etag or md5(content), DEPLOYED + timedelta(seconds=seconds))


def judged(files, objects, **others):
    findings = judge(files, objects, where=WHERE, **others)
    by_id = {finding.id: finding for finding in findings}
    assert len(by_id) == len(findings), "a finding's id is unique"
    return by_id


def short(finding):
    return str(finding.status), str(finding.reason) if finding.reason is not None else None


FILES = local(a=b"one", b=b"two")
THERE = {"a.py": stored(b"one"), "b.py": stored(b"two"), "old.py": stored(b"old")}


def test_a_folder_that_is_there_is_proven():
    (finding,) = judged(FILES, THERE).values()
    assert (finding.id, short(finding)) == ("s3/folder", ("passed", None))
    assert finding.message == "2 files in s3://bucket/dags are those of the folder."
    assert finding.details == {
        "files": 2,
        "compared_by_content": 2,
        "compared_by_size_only": 0,
        "missing": 0,
        "different": 0,
        "other_objects": 1,
        "last_modified": "2026-01-31T07:59:00+00:00",
    }


def test_nobody_who_wants_to_know_is_told_nothing():
    assert judge(FILES, None, where=WHERE) == []


def test_a_missing_file_is_red_and_so_is_the_folder():
    found = judged(FILES, {"a.py": stored(b"one")})
    assert short(found["s3/folder"]) == short(found["s3/b.py"]) == ("failed", "object-missing")
    assert "of 2 files 1 is missing" in found["s3/folder"].message
    assert found["s3/b.py"].file == "b.py"
    assert "s3/a.py" not in found


@pytest.mark.parametrize("other", [b"three", b"TWO"], ids=["other size", "same size"])
def test_a_different_file_is_red(other):
    found = judged(FILES, {**THERE, "b.py": stored(other)})
    assert short(found["s3/folder"]) == short(found["s3/b.py"]) == ("failed", "object-mismatch")
    assert found["s3/b.py"].details["etag"] == md5(other)
    assert "KMS" in found["s3/b.py"].advice or len(other) != 3


def test_two_files_that_were_swapped_are_red():
    """Neither ETag is its own file's MD5, but both are MD5s."""
    found = compare(FILES, {"a.py": stored(b"two"), "b.py": stored(b"one")})
    assert found.different == ("a.py", "b.py")


def test_a_bucket_that_encrypts_everything_is_compared_by_size_and_said_so():
    objects = {"a.py": stored(b"one", etag=OPAQUE), "b.py": stored(b"two", etag=OPAQUE[::-1])}
    (finding,) = judged(FILES, objects).values()
    assert short(finding) == ("warning", "undecided")
    assert "only sizes could be compared" in finding.message
    assert (finding.details["compared_by_content"], finding.details["compared_by_size_only"]) == (0, 2)


def test_an_encrypted_file_of_another_size_is_red_all_the_same():
    objects = {"a.py": stored(b"one", etag=OPAQUE), "b.py": stored(b"22", etag=OPAQUE)}
    assert short(judged(FILES, objects)["s3/b.py"]) == ("failed", "object-mismatch")


def test_an_empty_file_tells_nothing_of_how_others_are_encrypted():
    files = (*FILES, LocalDigest("__init__.py", 0, md5(b"")))
    objects = {"a.py": stored(b"one", etag=OPAQUE), "b.py": stored(b"two", etag=OPAQUE)}
    found = compare(files, {**objects, "__init__.py": stored(b"")})
    assert (found.same, found.same_size) == (("__init__.py",), ("a.py", "b.py"))


@pytest.mark.parametrize(
    "etag", [md5(b"parts") + "-2", md5(bytes.fromhex(md5(b"two"))) + "-1"], ids=["usual parts", "one part"]
)
def test_an_upload_in_parts_of_a_usual_size_is_proven(etag):
    files = (FILES[0], replace(FILES[1], in_parts=(md5(b"parts") + "-2",)))
    assert compare(files, {**THERE, "b.py": stored(b"two", etag=etag)}).same == ("a.py", "b.py")


def test_an_upload_in_parts_of_any_size_is_proven_by_size_only():
    found = judged(FILES, {**THERE, "b.py": stored(b"two", etag=OPAQUE + "-3")})
    assert list(found) == ["s3/folder"]
    assert short(found["s3/folder"]) == ("warning", "undecided")
    assert "of 1 only the sizes" in found["s3/folder"].message
    assert found["s3/folder"].details["by_size_only"] == ["b.py"]


def test_what_is_newer_than_a_given_deploy_is_somebody_elses():
    objects = {**THERE, "b.py": stored(b"three", seconds=1)}
    found = judged(FILES, objects, deployed_at=DEPLOYED)
    for finding in found.values():
        assert short(finding) == ("error", "superseded")
        assert not finding.heals
    assert set(found) == {"s3/folder", "s3/b.py"}


def test_what_is_not_newer_than_the_deploy_is_red():
    for deployed_at in (None, DEPLOYED):
        found = judged(FILES, {**THERE, "b.py": stored(b"three", seconds=0)}, deployed_at=deployed_at)
        assert short(found["s3/b.py"]) == ("failed", "object-mismatch")


def test_a_newer_object_with_the_same_content_is_the_files():
    found = judged(FILES, {**THERE, "b.py": stored(b"two", seconds=100)}, deployed_at=DEPLOYED)
    assert short(found["s3/folder"]) == ("passed", None)


@pytest.mark.parametrize("objects", [{}, {**THERE, "b.py": stored(b"TWO")}], ids=["missing", "different"])
def test_what_was_there_once_and_is_not_now_is_somebody_elses_doing(objects):
    found = judged(FILES, objects, held=True)
    assert {short(finding) for finding in found.values()} == {("error", "superseded")}


def test_a_red_beside_what_was_superseded_stays_red():
    files = local(a=b"one", b=b"two", c=b"three")
    found = judged(files, {**THERE, "b.py": stored(b"2", seconds=1)}, deployed_at=DEPLOYED)
    assert short(found["s3/b.py"]) == ("error", "superseded")
    assert short(found["s3/c.py"]) == short(found["s3/folder"]) == ("failed", "object-missing")


@pytest.mark.parametrize("heals", [True, False])
def test_what_could_not_be_read_is_neither_good_nor_bad(heals):
    (finding,) = judged(FILES, Unread(Reason.ACCESS_DENIED, "denied", heals=heals)).values()
    assert short(finding) == ("error", "access-denied")
    assert finding.heals is heals
    assert "s3:ListBucket" in finding.advice
    (finding,) = judged(FILES, Unread(Reason.NOT_FOUND, "where?", advice="say where")).values()
    assert finding.advice == "say where"


def test_nothing_to_compare_is_never_green():
    (finding,) = judged((), THERE).values()
    assert (finding.status, finding.heals) == (Status.ERROR, False)


def test_a_wrong_path_names_some_files_and_counts_all():
    files = local(**{f"f{number}": b"x" for number in range(NAMED + 50)})
    found = judged(files, {})
    assert len(found) == NAMED + 1
    assert f"of {NAMED + 50} files {NAMED + 50} are missing" in found["s3/folder"].message
    assert f"The first {NAMED}" in found["s3/folder"].message


def test_a_folder_that_lies_one_deeper_is_pointed_at():
    objects = {f"team_a/{name}": one for name, one in THERE.items()}
    assert "--dags-prefix team_a" in judged(FILES, objects)["s3/folder"].advice
    twice = {**objects, **{f"team_b/{name}": one for name, one in THERE.items()}}
    assert judged(FILES, twice)["s3/folder"].advice == ""


def test_a_file_called_folder_has_an_id_of_its_own():
    files = (LocalDigest("folder", 1, md5(b"x")),)
    assert set(judged(files, {})) == {"s3/folder", "s3/./folder"}


def test_a_dag_file_counts_from_when_its_helpers_were_there_too():
    files = local(a=b"a", b=b"b", helper=b"h", gone=b"g")
    objects = {
        "a.py": stored(b"a", 10),
        "b.py": stored(b"b", 30),
        "helper.py": stored(b"h", 20),
        "another.py": stored(b"?", 99),
    }
    deployed = deployed_by(files, objects, frozenset({"a.py", "b.py", "gone.py"}))
    assert deployed.files == {
        "a.py": DEPLOYED + timedelta(seconds=20),
        "b.py": DEPLOYED + timedelta(seconds=30),
        "helper.py": DEPLOYED + timedelta(seconds=20),
    }
    assert deployed.folder == DEPLOYED + timedelta(seconds=30)


def test_a_folder_of_dag_files_counts_each_for_itself():
    deployed = deployed_by(FILES, {**THERE, "b.py": stored(b"two", 5)}, frozenset({"a.py", "b.py"}))
    assert deployed.files["a.py"] == DEPLOYED - timedelta(seconds=60)
    assert deployed.folder == deployed.files["b.py"]


def test_nothing_there_tells_no_time():
    assert (deployed_by(FILES, {}, frozenset({"a.py"})).files, deployed_by((), {}, frozenset()).folder) == (
        {},
        None,
    )


names = st.sampled_from(["a.py", "b/c.py", "folder", "data.csv", "é.py"])
contents = st.binary(max_size=3)
folders = st.dictionaries(names, contents, min_size=1)
etags = st.sampled_from(["md5", OPAQUE, OPAQUE + "-2", "", "W/x"])
buckets = st.dictionaries(names, st.tuples(contents, etags, st.integers(-5, 5)))


def both(folder, bucket):
    files = tuple(LocalDigest(name, len(text), md5(text)) for name, text in sorted(folder.items()))
    return files, {
        name: stored(text, seconds, md5(text) if etag == "md5" else etag or "x")
        for name, (text, etag, seconds) in bucket.items()
    }


@given(folders, buckets)
def test_every_file_is_in_exactly_one_class(folder, bucket):
    files, objects = both(folder, bucket)
    found = compare(files, objects)
    assert sorted((*found.same, *found.same_size, *found.different, *found.missing)) == sorted(folder)
    assert set(found.missing) == set(folder) - set(bucket)
    assert found.others == len(set(bucket) - set(folder))


@given(folders, buckets)
def test_what_differs_is_never_the_same(folder, bucket):
    files, objects = both(folder, bucket)
    found = compare(files, objects)
    for name in found.same:
        assert bucket[name][0] == folder[name]
    for name in found.same_size:
        assert len(bucket[name][0]) == len(folder[name])
        assert bucket[name][1] != "md5" or not any(folder[other] for other in found.same), (
            "not where MD5s are"
        )


@given(folders)
def test_a_plain_copy_is_proven_whole(folder):
    files, objects = both(folder, {name: (text, "md5", 0) for name, text in folder.items()})
    assert compare(files, objects).same == tuple(file.name for file in files)


@given(folders)
def test_an_encrypted_copy_is_never_red(folder):
    files, objects = both(folder, {name: (text, OPAQUE, 0) for name, text in folder.items()})
    assert [short(one) for one in judged(files, objects).values()] == [("warning", "undecided")]


@given(folders, buckets, st.sampled_from([None, DEPLOYED]), st.booleans())
def test_passed_is_said_only_of_what_is_proven(folder, bucket, deployed_at, held):
    files, objects = both(folder, bucket)
    found = judged(files, objects, deployed_at=deployed_at, held=held)
    passed = all(finding.status is Status.PASSED for finding in found.values())
    assert passed == (len(compare(files, objects).same) == len(files))
    assert passed or all(finding.reason is not None for finding in found.values())


@given(folders, buckets, st.sets(names))
def test_no_file_counts_from_before_anything_that_it_may_need(folder, bucket, alone):
    files, objects = both(folder, bucket)
    deployed = deployed_by(files, objects, frozenset(alone))
    found = compare(files, objects)
    there = {*found.same, *found.same_size}
    assert set(deployed.files) == there
    for name, moment in deployed.files.items():
        needed = {name} | (there - alone)
        assert moment == max(objects[one].modified for one in needed)
        assert moment <= deployed.folder
