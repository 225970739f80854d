"""Artifacts of random bytes, and of a sound archive's bytes with changes: answered, or refused as a wrong input."""

from __future__ import annotations

import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from validator.errors import UsageError
from validator.serverless.artifact import Artifact

DAG = b"from airflow import DAG\nwith DAG('x'):\n    pass\n"


def pack(files):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return stream.getvalue()


VALID = pack(
    {
        "gate.yaml": b"version: 1\n",
        "dags/a.py": DAG,
        "dags/é/b.py": b"x = 1",
        "dags/.airflowignore": b"*.md",
        "dags/c.zip": pack({"dag.py": DAG}),
        "dags/empty/": b"",
    }
)


def answer(ask):
    """What it says, or how it is refused; whatever else is raised fails the test."""
    try:
        return ask()
    except UsageError as error:
        return error


def survives(data):
    artifact = answer(lambda: Artifact.open(data, "Build"))
    found = [artifact]
    if isinstance(artifact, Artifact):
        found += [
            answer(lambda: artifact.read("gate.yaml", 1_000)),
            answer(lambda: artifact.folder("dags", "")),
            answer(lambda: artifact.folder("", "team")),
            answer(lambda: artifact.digests("dags")),
        ]
    assert all(one.advice for one in found if isinstance(one, UsageError))


@given(st.one_of(st.binary(max_size=300), st.binary(max_size=100).map(lambda data: b"PK\5\6" + data)))
def test_random_bytes_are_refused(data):
    with pytest.raises(UsageError):
        Artifact.open(data, "Build").read("gate.yaml", 100)


places = st.integers(0, len(VALID) - 1)
tails = st.integers(1, 600).map(lambda back: max(0, len(VALID) - back))
interesting = st.sampled_from(
    [b"\0", b"\xff", b"\xff" * 2, b"\xff" * 4, b"\0" * 4, b"PK\5\6", b"PK\1\2", b"/", b"\x80"]
)
edits = st.lists(
    st.tuples(st.one_of(places, tails), st.integers(0, 8), st.one_of(interesting, st.binary(max_size=8))),
    min_size=1,
    max_size=4,
)


@given(edits)
def test_a_changed_archive_is_answered_or_refused(changes):
    data = VALID
    for at, length, new in changes:
        data = data[:at] + new + data[at + length :]
    survives(data)


@given(st.one_of(places, tails), interesting)
def test_an_archive_with_changed_bytes_in_their_place_is_answered_or_refused(at, new):
    survives(VALID[:at] + new + VALID[at + len(new) :])
