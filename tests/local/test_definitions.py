"""Which DAGs a file defines, told without running it."""

import ast

import pytest
from dag_examples import EXAMPLES
from hypothesis import given
from hypothesis import strategies as st

from validator.local.definitions import Found, read_definitions

NEVER_IMPORTABLE = {"not_python"}


def found(source):
    return read_definitions(source.encode())


def told(source):
    return [(definition.dag_id, definition.line) for definition in found(source).certain]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_a_module_is_told_for_what_it_is(example):
    read = read_definitions(example.source)

    assert tuple(definition.dag_id for definition in read.certain) == example.certain
    assert read.computes is example.computes
    assert bool(read.problem) is (example.name in NEVER_IMPORTABLE)


def test_there_are_enough_examples_of_every_kind_and_no_two_share_a_name():
    kinds = [(bool(example.certain), example.computes) for example in EXAMPLES]

    assert all(kinds.count(kind) > 20 for kind in [(True, False), (False, True), (False, False)])
    assert len({example.name for example in EXAMPLES}) == len(EXAMPLES)


def test_a_definition_has_the_line_of_its_call_or_function_and_they_are_in_order():
    source = (
        "from airflow import DAG\nfrom airflow.decorators import dag\n\n@dag(schedule=None)\ndef b():\n    pass\n\n"
        "with DAG(\n    'c',\n):\n    pass\nb()\na = DAG('a')\n"
    )

    assert told(source) == [("b", 5), ("c", 8), ("a", 13)]


@pytest.mark.parametrize("module", ["airflow", "airflow.models", "airflow.models.dag", "airflow.sdk"])
def test_airflow_has_its_dag_in_several_places(module):
    assert told(f"from {module} import DAG\nwith DAG('x'):\n    pass\n") == [("x", 2)]


@pytest.mark.parametrize("module", ["airflow.decorators", "airflow.models.dag", "airflow.sdk"])
def test_airflow_has_its_decorator_in_several_places(module):
    assert told(f"from {module} import dag\n@dag()\ndef x(): pass\nx()\n") == [("x", 3)]


@pytest.mark.parametrize("module", ["ownlib", "ownlib.airflow", ".dags", "airflow_ext", "astronomer.airflow"])
def test_a_dag_of_another_package_is_not_certain(module):
    assert found(f"from {module} import DAG\nwith DAG('x'):\n    pass\n") == Found(computes=True)


@pytest.mark.parametrize("text", ["", "a b", "é", "x" * 251, "a/b", "a\n"])
def test_an_id_that_an_airflow_may_refuse_is_not_certain(text):
    source = f"from airflow import DAG\nd = DAG({text!r})\n"

    assert found(source) == Found(computes=True)


@pytest.mark.parametrize(
    "name",
    [
        "dag_id",
        "DAG_IDS",
        "dagRunConf",
        "dag_args",
        "default_dag_args",
        "dagbag",
        "DAGS_FOLDER",
        "my_dag_docs",
        "dags",
    ],
)
def test_a_name_that_speaks_of_what_belongs_to_a_dag_promises_none(name):
    assert found(f"# airflow\nfrom ownlib import load\n{name} = load('x')\n") == Found()


@pytest.mark.parametrize("name", ["dag", "my_dag", "etl_dag_2", "dagETL", "DAG"])
def test_a_name_that_speaks_of_a_dag_promises_one(name):
    assert found(f"# airflow\nfrom ownlib import load\n{name} = load('x')\n") == Found(computes=True)


@pytest.mark.parametrize("name", ["create_dag", "load_yaml_dags", "DagFactory", "DbtDag", "generate_dags"])
def test_a_function_of_elsewhere_that_speaks_of_dags_promises_one(name):
    assert found(f"# airflow\nfrom ownlib import {name}\n{name}('x')\n") == Found(computes=True)


@pytest.mark.parametrize(
    "call",
    [
        "yaml.safe_load('x')",
        "os.getenv('x')",
        "json.loads('1')",
        "pendulum.now()",
        "sorted('x')",
        "Variable.get('x')",
    ],
)
def test_what_python_airflow_and_well_known_packages_give_is_no_dag(call):
    source = "import json, os\nimport pendulum, yaml\nfrom airflow.models import Variable\n"

    assert found(f"{source}my_dag = {call}\n") == Found()


@pytest.mark.parametrize(
    "ending", ["raise SystemExit", "import sys; sys.exit()", "exit()", "import os; os._exit(1)"]
)
def test_nothing_is_certain_in_a_file_that_surely_ends_early(ending):
    before = f"from airflow import DAG\nd = DAG('x')\n{ending}\n"
    after = f"from airflow import DAG\n{ending}\nd = DAG('x')\n"

    assert found(before) == found(after) == Found(computes=True)
    assert found(f"{ending}\n") == Found()


def test_a_file_that_this_python_cannot_read_may_be_one_for_a_newer_python():
    read = found("from airflow import DAG\nd = DAG('x'\n")

    assert read.computes
    assert read.certain == ()
    assert "line 2" in read.problem


@pytest.mark.parametrize(
    "data",
    [
        b"\0", b"d = 1\0", b"\xff\xfe\0", b"x = '\xff'", b"# coding: utf-7\n", b"# coding: nowhere\nx = 1", b"\xef\xbb\xbf(",
        b"# coding: hex\nx = 1", b"# coding: punycode\nx = 1", b"# coding: undefined\nx", b"x = " + b"9" * 5000, b"\\",
        b"'''", b"\t\tx",
        b"(" * 100_000, b"-" * 100_000 + b"1", b"a" + b".b" * 100_000, b"a" + b"[0]" * 100_000, b"a" + b"()" * 50_000,
        b"x = " + b"a + " * 100_000 + b"a", b"lambda: " * 50_000 + b"0", b"not " * 100_000 + b"0", b"a = " * 50_000 + b"0",
        b"if 1: pass\n" + b"elif 1: pass\n" * 5000, b"\n".join(b" " * i + b"if 1:" for i in range(200)) + b"pass",
        b"x = " + b"a ** " * 10_000 + b"a", b"x: " + b"a[" * 150 + b"0" + b"]" * 150, b"f'" + b"{" * 1000, b"async " * 1000,
    ],
    ids=range(29),
)  # fmt: skip
def test_no_bytes_are_too_odd(data):
    read = read_definitions(data)

    assert read.certain == ()


@given(st.binary(max_size=300))
def test_any_bytes_are_read(data):
    read_definitions(data)


@given(st.text(max_size=300))
def test_any_text_is_read(text):
    read_definitions(text.encode("utf-8", "surrogatepass"))


@pytest.mark.filterwarnings("error")
def test_an_odd_escape_is_no_warning_of_ours():
    assert told(r"""from airflow import DAG; d = DAG('x'); s = "\d" """) == [("x", 1)]


STATEMENTS = [
    "from airflow import DAG", "import airflow", "from airflow.decorators import dag",
    "from ownlib import create_dag as DAG", "a = DAG('a')", "b: DAG = DAG('b')", "a = b", "b = a", "a, b = b, a", "a = None",
    "del a", "for a in (1, 2): pass",
    "with DAG('c') as a: b = a", "with DAG('d', auto_register=False): pass", "with a: pass", "if a: a = DAG('e')",
    "try:\n    b = DAG('f')\nexcept Exception: pass", "DAG = dag = None", "def make(): return DAG('g')", "a = make()",
    "@dag()\ndef h(): pass", "h()", "b = h()", "class A:\n    a = DAG('i')", "a = [DAG('j')]", "b = a[0]",
    "globals()['a'] = b", "globals()['k'] = DAG('k')", "a = (b := DAG('l'))", "a = DAG('m') if b else b",
    "raise ValueError", "x = [a for a in b]",
    "def f():\n    global a\n    a = 1", "f()", "match a:\n    case b: pass", "a += b", "a.b = DAG('n')", "lambda: DAG('o')",
    "while a:\n    a = None",
]  # fmt: skip


class Dag:
    """Stands in for Airflow's, and remembers what Airflow would."""

    entered: list["Dag"]

    def __init__(self, dag_id, *, auto_register=True):
        self.dag_id = dag_id
        self.auto_register = auto_register

    def __enter__(self):
        if self.auto_register:
            Dag.entered.append(self)
        return self

    def __exit__(self, *error):
        return None


def collected(source):
    """What Airflow would collect from a module; None: it cannot be imported."""
    Dag.entered = []

    def dag():
        def decorate(function):
            def call():
                with Dag(function.__name__) as made:
                    function()
                return made

            return call

        return decorate

    class Imports(ast.NodeTransformer):
        def visit_ImportFrom(self, node):
            names = [f"{alias.asname or alias.name} = _imported['{alias.name}']" for alias in node.names]
            return ast.parse("\n".join(names)).body

        def visit_Import(self, node):
            return None

    imported = {"DAG": Dag, "dag": dag, "create_dag": Dag}
    tree = ast.fix_missing_locations(Imports().visit(ast.parse(source)))
    names = {"_imported": imported, "__name__": "module"}
    try:
        exec(compile(tree, "module", "exec"), names)  # noqa: S102 - of the statements above
    except Exception:  # noqa: BLE001 - it cannot be imported, whatever the reason
        return None
    held = [value for value in names.values() if isinstance(value, Dag)]
    return {made.dag_id for made in (*held, *Dag.entered)}


@given(st.lists(st.sampled_from(STATEMENTS), max_size=9))
def test_what_is_certain_is_collected_whatever_the_module_does(statements):
    source = "\n".join(
        ["from airflow import DAG", "from airflow.decorators import dag", "a = b = None", *statements]
    )
    really, read = collected(source), found(source)

    assert read.problem == ""
    if really is not None:
        certain = {definition.dag_id for definition in read.certain}
        assert certain <= really
        if not read.computes:
            assert really == certain
