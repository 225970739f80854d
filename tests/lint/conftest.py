"""Lints of what a test writes."""

import pytest

from validator.lint.reading import read_given
from validator.lint.rules import lint


@pytest.fixture
def linted(tmp_path, monkeypatch):
    """Lints a manifest and the files of a folder, both given as texts; what it found.

    A file given by its ids alone defines these. `manifest` None: there is none; `files` None: there is no folder.
    """
    monkeypatch.chdir(tmp_path)

    def go(manifest=None, files=None, *, airflow=None, prefix="", environ=None, strict=False, python=(3, 14)):
        paths = []
        for number, text in enumerate([manifest] if isinstance(manifest, str) else manifest or []):
            paths.append(f"gate{number or ''}.yaml")
            (tmp_path / paths[-1]).write_text(text, encoding="utf-8")
        for name, text in (files or {}).items():
            path = tmp_path / "dags" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            content = defining(*text) if isinstance(text, list) else text
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        root = "dags" if files is not None else None
        given = read_given(paths, root, prefix, environ or {}, airflow)
        return lint(given, python=python, strict=strict)

    return go


def defining(*ids):
    return "from airflow import DAG\n" + "".join(f"with DAG({one!r}):\n    pass\n" for one in ids)


@pytest.fixture(scope="session")
def computing():
    """A DAG file whose ids only running it would tell."""
    return "from airflow import DAG\nfor name in open('names'):\n    globals()[name] = DAG(name)\n"


@pytest.fixture(scope="session")
def told():
    """The problems in short: code, severity, place."""

    def go(result):
        return [
            (str(one.code), str(one.severity), f"{one.file}:{one.line}" if one.line else one.file)
            for one in result.problems
        ]

    return go
