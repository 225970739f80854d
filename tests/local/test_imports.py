"""Which DAG files stand alone: a change of any other may change every DAG."""

import pytest
from demands import local_file

from validator.local.imports import stand_alone


def alone(**texts):
    def file(name, text):
        return local_file(f"{name}.py", *([] if "helper" in name else [name]), text=text)

    return stand_alone(file(name, text) for name, text in texts.items())


@pytest.mark.parametrize(
    "line",
    [
        "import b\n",
        "from b import x\n",
        "import os, b as other\n",
        "try:\n    import b\nexcept ImportError:\n    b = None\n",
        "if 1: from b import x\n",
        "from.b import x\n",
        "from pkg import \\\n    b\n",
        "from pkg import (  # (x)\n    b,\n)\n",
        "from pkg import (\n    x,\n    b,\n)\n",
        "def f():\n    from pkg.b import x\n",
        "from . import b\n",
    ],
)
def test_a_dag_file_that_another_imports_does_not_stand_alone(line):
    assert alone(a=line, b="x = 1\n") == {"a.py"}


def test_dag_files_that_nobody_imports_stand_alone_and_helpers_never_do():
    assert alone(a="import helper\n", b="# import a\nx = 'b'\n", helper="") == {"a.py", "b.py"}


def test_a_file_that_names_itself_stands_alone():
    assert alone(a="from a import x\n") == {"a.py"}


def test_a_computed_file_is_a_dag_file_too():
    assert stand_alone([local_file("made.py", text="x = 1\n", computes=True)]) == {"made.py"}


@pytest.mark.parametrize(
    "text",
    [
        "import importlib\n",
        "from importlib import import_module\n",
        "x = __import__('b')\n",
        "exec(open('b.py').read())\n",
        "def broken(:\n",
    ],
)
def test_where_one_file_imports_what_nobody_knows_none_stands_alone(text):
    assert alone(a=text, b="x = 1\n") == frozenset()


def test_a_file_that_is_not_read_as_text_leaves_none_alone_and_data_does_not_matter():
    one = local_file("a.py", "a", text="x = 1\n")

    assert stand_alone([one, local_file("b.py", text=None)]) == frozenset()
    assert stand_alone([one, local_file("dags.zip", text=None, archive=True, computes=True)]) == frozenset()
    assert stand_alone([one, local_file("data.zip", text=None, archive=True)]) == {"a.py"}


def test_a_package_that_makes_dags_is_imported_by_its_folders_name():
    package = local_file("team/__init__.py", "a", text="x = 1\n")

    assert stand_alone([package, local_file("b.py", "b", text="from team import x\n")]) == {"b.py"}
    assert "team/__init__.py" in stand_alone([package, local_file("b.py", "b", text="import os\n")])
