"""Random DAG files of the forms that people use, put together from pieces: some are clear, some are not."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

HEAD = """
import os
from datetime import datetime, timedelta
from airflow import DAG
from airflow.decorators import dag, setup, task, task_group, teardown
from airflow.datasets import Dataset
from airflow.models.baseoperator import chain
from airflow.operators.bash import BashOperator
from airflow.operators.empty import EmptyOperator
from airflow.timetables.trigger import CronTriggerTimetable
from airflow.utils.task_group import TaskGroup

TAGS = ["team", "nightly"]
MORE = [*TAGS, "more"]
OWNER = "data"
DEFAULTS = {"owner": OWNER, "retries": 2}
NAME = "named"
EVERY = timedelta(hours=2)
ONE = Dataset("s3://bucket/one")


def helper(name="helped"):
    return EmptyOperator(task_id=name)


@task
def shared(value=None):
    return [1]


@task(task_id="other", owner="someone")
def renamed():
    return {}


@task_group
def steps(value=None):
    shared(value)
    EmptyOperator(task_id="step")


@task_group(group_id="flat", prefix_group_id=False, default_args={"owner": "group"})
def flat():
    EmptyOperator(task_id="in_flat")
    shared()
"""
TAG_WORDS = (
    "", "tags=['b', 'a']", "tags=TAGS", "tags=MORE", "tags=[*TAGS, NAME]", "tags=TAGS + ['x']", "tags=['one']",
    "tags=None", "tags=[]", "tags=list(TAGS)", "tags=sorted(MORE)", "tags=[t.upper() for t in TAGS]",
)  # fmt: skip
SCHEDULES = (
    "schedule=None", "schedule='@daily'", "schedule='0 3 * * *'", "schedule='*/5 1-3 * * MON'", "schedule=EVERY",
    "schedule=timedelta(days=1, minutes=5)", "schedule='@once'", "schedule=[ONE]", "schedule=[ONE, Dataset('s3://b/two')]",
    "schedule=CronTriggerTimetable('5 4 * * *', timezone='UTC')", "schedule=os.environ.get('NONE')", "",
)  # fmt: skip
OTHERS = (
    "", "description='What it is'", "description=NAME", "description=None", "max_active_runs=3", "default_args=DEFAULTS",
    "default_args={'owner': 'me'}", "default_args={'retries': 1}", "default_args={**DEFAULTS, 'owner': 'two'}",
    "default_args=dict(owner=OWNER)", "catchup=False", "max_active_runs=3, description='both', default_args=DEFAULTS",
)  # fmt: skip
PIECES = (
    "EmptyOperator(task_id='t{n}')",
    "EmptyOperator(task_id='t{n}', owner='op')",
    "v{n} = BashOperator(task_id='t{n}', bash_command='true', trigger_rule='all_done')",
    "EmptyOperator(task_id='a{n}') >> [EmptyOperator(task_id='b{n}'), EmptyOperator(task_id='c{n}')]",
    "chain(EmptyOperator(task_id='a{n}'), EmptyOperator(task_id='b{n}'))",
    "shared()",
    "shared(shared())",
    "renamed()",
    "renamed.override(task_id='r{n}', owner='over')()",
    "shared.override(task_id=NAME)()",
    "shared.expand(value=[1, 2])",
    "shared.expand(value=renamed())",
    "BashOperator.partial(task_id='m{n}').expand(bash_command=['true'])",
    "with TaskGroup('g{n}'):\n    EmptyOperator(task_id='t')\n    shared()\n    shared()",
    "with TaskGroup('g{n}', default_args={{'owner': 'grouped'}}) as g{n}:\n    with TaskGroup('in'):\n        renamed()",
    "with TaskGroup('g{n}', prefix_group_id=False):\n    shared()\n    with TaskGroup('deep{n}'):\n        shared()",
    "steps()",
    "steps.override(group_id='s{n}')(shared())",
    "flat()",
    "@task\ndef made{n}():\n    return 1\nmade{n}()",
    "@task.short_circuit(task_id='short{n}')\ndef made{n}():\n    return 1\nmade{n}() >> EmptyOperator(task_id='t{n}')",
    "@setup\ndef up{n}():\n    pass\n@teardown\ndef down{n}():\n    pass\nup{n}() >> shared() >> down{n}()",
    "@task_group\ndef made{n}(value):\n    @task\n    def inner():\n        return value\n    return inner()\nmade{n}(1)",
    "list{n} = [shared()]\nt{n} = EmptyOperator(task_id='t{n}')\nfor one in list{n}:\n    one >> t{n}",
    "label{n} = f'{{NAME}}-{n}'\nEmptyOperator(task_id='t{n}', doc_md=label{n}.upper())",
)
UNCLEAR = (
    "helper('h{n}')",
    "for i in range(2):\n    EmptyOperator(task_id=f't{n}_{{i}}')",
    "EmptyOperator(task_id='t{n}_' + NAME)",
    "if not os.environ.get('NONE'):\n    EmptyOperator(task_id='t{n}')",
    "[shared() for _ in range(2)]",
    "list(map(helper, ['h{n}']))",
    "EmptyOperator(**{{'task_id': 't{n}'}})",
    "try:\n    EmptyOperator(task_id='t{n}')\nexcept KeyError:\n    pass",
)


def _indented(text: str) -> str:
    return "".join(f"    {line}\n" for line in text.splitlines())


def template(chance: random.Random, major: int) -> str:
    """A module that defines a DAG `x`.

    Args:
        chance: chooses the pieces.
        major: 2 or 3: the Airflow that it is for.
    """
    words = ["start_date=datetime(2024, 1, 1)"]
    words += [word for words_of in (TAG_WORDS, SCHEDULES, OTHERS) if (word := chance.choice(words_of))]
    if major == 2 and chance.random() < 0.1:
        words = [
            word.replace("schedule=", "schedule_interval=")
            if "Dataset" not in word and "ONE" not in word and "Cron" not in word
            else word
            for word in words
        ]
    chosen = chance.sample(PIECES, chance.choice((0, 1, 2, 3, 5)))
    if chance.random() < 0.2:
        chosen.append(chance.choice(UNCLEAR))
    chance.shuffle(chosen)
    body = "\n".join(piece.format(n=number) for number, piece in enumerate(chosen)) or "pass"
    given = ", ".join(words)
    form = chance.choice(("with", "with", "decorator", "assigned", "named"))
    if form == "decorator":
        made = f"@dag({given})\ndef x():\n{_indented(body)}\nx()\n"
    elif form == "with":
        made = f"with DAG('x', {given}):\n{_indented(body)}"
    elif form == "named":
        made = f"with DAG(dag_id='x', {given}) as made:\n{_indented(body)}\nEmptyOperator(task_id='last', dag=made)\n"
    else:
        made = f"d = DAG('x', {given})\nwith d:\n{_indented(body)}"
    tail = chance.choice(("", "", "\nif __name__ == '__main__':\n    print(1)\n"))
    return f"{HEAD}\n{made}{tail}"
