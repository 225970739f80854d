"""What a file surely says of its DAGs beyond their ids, told without running it."""

import random
from dataclasses import fields

import pytest
from dag_examples import EXAMPLES
from hypothesis import given, settings
from hypothesis import strategies as st
from stated_examples import STATED_EXAMPLES
from stated_templates import template

from validator import schedules
from validator.local.definitions import read_definitions
from validator.local.stated import Stated, stated_by
from validator.local.task_words import MOST

KEYS = [field.name for field in fields(Stated)]
SOURCES = [example.source for example in STATED_EXAMPLES]
SOURCES += [example.source.decode("latin-1") for example in EXAMPLES]


def x_of(source, major=None):
    return stated_by(source, major)["x"]


@pytest.mark.parametrize("example", STATED_EXAMPLES[1:], ids=lambda example: example.name)
def test_of_a_module_is_stated_what_is_sure_and_no_more(example):
    assert x_of(example.source, example.major) == Stated(**example.stated)


def test_each_key_is_stated_in_some_examples_and_unknown_in_others():
    for key in KEYS:
        known = [key in example.stated for example in STATED_EXAMPLES]

        assert known.count(True) >= 3, key
        assert known.count(False) >= 10, key


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_something_is_stated_of_the_dags_that_are_certain_once_and_of_no_other(example):
    certain = [definition.dag_id for definition in read_definitions(example.source).certain]
    stated = stated_by(example.source.decode("latin-1"))

    assert sorted(stated) == sorted(dag_id for dag_id in set(certain) if certain.count(dag_id) == 1)


def test_a_file_that_makes_other_dags_in_its_own_ways_has_nothing_stated_of_the_certain_ones():
    source = next(example.source for example in EXAMPLES if example.name == "certain_too")

    assert stated_by(source.decode()) == {"x": Stated()}


def comparable(stated):
    found = {key: getattr(stated, key) for key in KEYS}
    return found | {"schedule": stated.schedule and schedules.canonical(stated.schedule)}


@pytest.mark.parametrize("seed", range(30))
def test_without_a_version_only_what_is_the_same_on_both_is_stated(seed):
    chance = random.Random(seed)  # noqa: S311 - files, no secrets
    for source in (template(chance, 3), *SOURCES[seed::30]):
        for dag_id, stated in stated_by(source).items():
            second, third = (comparable(stated_by(source, major)[dag_id]) for major in (2, 3))
            for key, value in comparable(stated).items():
                assert value is None or (value == second[key] == third[key]), (key, source)


@pytest.mark.parametrize(
    "text", ["", "\0", "x = ", "\ufeff", "def", "(" * 500, "\ud800", "with DAG('x'): pass", "x = 1\n" * 10]
)
def test_a_text_that_says_nothing_has_nothing_stated(text):
    assert stated_by(text) == {}


def test_a_text_may_begin_with_a_byte_order_mark_and_have_windows_lines():
    source = "\ufefffrom airflow import DAG\r\nwith DAG('x', schedule=None, tags=['a']):\r\n    pass\r\n"

    assert x_of(source).tags == ("a",)


def nested(depth):
    return "from airflow import DAG\nwith DAG('x', tags=['a']):\n    y = " + "-" * depth + "1\n"


def test_what_is_nested_too_deeply_has_nothing_stated():
    assert x_of(nested(10)).tags == ("a",)
    assert stated_by(nested(100_000)) == {}


def many(count):
    tasks = "".join(f"    EmptyOperator(task_id='t{number}')\n" for number in range(count))
    return (
        "from airflow import DAG\nfrom airflow.operators.empty import EmptyOperator\n"
        f"with DAG('x', schedule=None, tags=['a']):\n{tasks}"
    )


def test_so_many_tasks_are_listed_and_no_more():
    assert len(x_of(many(MOST)).tasks) == MOST
    assert x_of(many(MOST + 1)) == Stated(tags=("a",), schedule="none", description="")


def test_a_group_that_is_called_over_and_over_ends():
    levels = "".join(
        f"@task_group\ndef g{level}():\n"
        + "".join(f"    g{level + 1}.override(group_id='a{level}_{number}')()\n" for number in range(4))
        for level in range(12)
    )
    source = (
        "from airflow.decorators import dag, task_group\n"
        f"{levels}@dag(schedule=None)\ndef x():\n    g0()\nx()\n"
    )

    assert x_of(source).tasks is None


def test_a_long_body_that_is_called_often_ends():
    body = "    1\n" * 1000
    calls = "".join(f"    g.override(group_id='g{number}')()\n" for number in range(200))
    source = (
        f"from airflow.decorators import dag, task_group\n@task_group\ndef g():\n{body}"
        f"@dag(schedule=None)\ndef x():\n{calls}x()\n"
    )

    assert x_of(source).tasks is None


def is_well_formed(stated):
    lists = [value for value in (stated.tags, stated.owners, stated.tasks) if value is not None]
    return all(list(value) == sorted(set(value)) for value in lists)


@given(st.text())
def test_no_text_makes_it_raise(text):
    assert stated_by(text) == {}


@given(st.data())
@settings(max_examples=150)
def test_no_mixture_of_dag_files_makes_it_raise(data):
    """Lines of real files, cut out, doubled and put together."""
    lines = [
        line
        for source in data.draw(st.lists(st.sampled_from(SOURCES), min_size=1, max_size=3))
        for line in source.splitlines(keepends=True)
    ]
    start = data.draw(st.integers(0, len(lines)))
    end = data.draw(st.integers(start, len(lines)))
    mixed = "".join(lines[:start] + lines[end:] + lines[start:end][: data.draw(st.integers(0, 5))])

    for major in (None, 2, 3):
        assert all(is_well_formed(stated) for stated in stated_by(mixed, major).values())


PIECES = st.sampled_from(
    [
        "dag", "DAG('x')", "t", "[t]", "EmptyOperator(task_id='a')", "f()", "f.expand(a=[1])", "g()", "f.override(t)",
        "TaskGroup('g')", "own", "{**own}", "'a'", "f", "*own", "lambda: t", "dag.tags", "t.dag", "(y := t)", "x()",
        "EmptyOperator.partial(task_id='p')", "task(f)", "chain", "None",
    ]
)  # fmt: skip
EXPRESSIONS = st.recursive(
    PIECES,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from([" >> ", " + ", " or ", " == "]), inner).map("".join),
        inner.map("chain({})".format),
        inner.map("own({})".format),
        inner.map("[{}]".format),
        inner.map("({}).append(t)".format),
        inner.map("[y for y in {}]".format),
        inner.map("f(a={})".format),
    ),
    max_leaves=4,
)  # fmt: skip
STATEMENTS = st.one_of(
    EXPRESSIONS,
    EXPRESSIONS.map("t = {}".format),
    EXPRESSIONS.map("t, y = {}".format),
    EXPRESSIONS.map("t += {}".format),
    EXPRESSIONS.map("own.y = {}".format),
    EXPRESSIONS.map("with {}: t = f()".format),
    EXPRESSIONS.map("for t in {}: t >> f()".format),
    EXPRESSIONS.map("if {}: f()".format),
    EXPRESSIONS.map("def g(): return {}".format),
    EXPRESSIONS.map("class f: t = {}".format),
    EXPRESSIONS.map("del ({})[0]".format),
)
HEAD = """
from airflow import DAG
from airflow.decorators import dag as made, task, task_group
from airflow.models.baseoperator import chain
from airflow.operators.empty import EmptyOperator
from airflow.utils.task_group import TaskGroup
from ownlib import own
@task
def f(a=1):
    pass
@task_group
def g():
    f()
"""


@given(st.lists(STATEMENTS, max_size=5), st.lists(STATEMENTS, max_size=3), st.booleans())
@settings(max_examples=150)
def test_no_combination_of_what_it_looks_at_makes_it_raise(inside, outside, function):
    body = "".join(f"    {line}\n" for line in inside) + "    t = f()\n"
    made = f"@made(schedule=None)\ndef x():\n{body}x()\n" if function else f"with DAG('x') as dag:\n{body}"
    source = HEAD + made + "".join(f"{line}\n" for line in outside)

    assert all(is_well_formed(stated) for stated in stated_by(source, 3).values())
