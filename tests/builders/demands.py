"""What goes beyond presence: details, local folders, and a wait played on a scripted Airflow and its own clock.

The clock's seconds are the server's: second 0 is the end of the deploy, with the rules' sync of 60 s and settle of 30 s
the files arrive at 60 and a parse from 90 on is proof.
"""

from dataclasses import replace
from types import SimpleNamespace

from rounds import DEPLOYED, FakeClock, at, silent_progress

from validator.airflow.models import Details, Pool, Task, Unread, Walk
from validator.expectations import Expectations
from validator.gate import run
from validator.local.model import Definition, LocalFile, LocalFolder
from validator.reasons import Reason
from validator.rules import Rules

DENIED = Unread(Reason.ACCESS_DENIED, "it answered 403", status=403)
TOO_LONG = Unread(Reason.PATH_TOO_LONG, "the path has more than 64 characters")
WORDS = frozenset({"airflow", "dag"})


def tasks(*names, pool="default_pool"):
    return tuple(Task(name, pool) for name in names)


def walk(*rows, whole=True, unread=None):
    """A collection that was read, unless told otherwise."""
    return Walk(rows, whole and unread is None, unread, len(rows))


POOLS = walk(Pool("default_pool", 128))


def local_file(name="a.py", *dag_ids, text="the new text\n", words=WORDS, **others):
    """A file of the local folder that surely defines these DAGs, each on a line of its own."""
    certain = tuple(Definition(dag_id, line) for line, dag_id in enumerate(dag_ids, start=3))
    return LocalFile(name, certain, text=text, words=words, **others)


def folder(*files, **others):
    return LocalFolder("dags", files=tuple(files), **others)


def local(*files):
    """The files as a view has them."""
    return {one.name: one for one in files}


class Airflow:
    """An observer whose rounds are given: each a function of the second, and so is each detail that is asked for."""

    def __init__(self, clock, answer, details, took=0.0):
        self.clock = clock
        self.answer = answer
        self.details = details
        self.took = took
        self.began = []
        self.asked = []
        """`(second, inquiry)` of every round that asked for details."""

    def observe(self, plan, deadline):
        self.began.append(self.clock.elapsed)
        return self.answer(self.clock.elapsed)

    def inquire(self, inquiry, seen, deadline):
        now = self.clock.elapsed
        self.asked.append((now, inquiry))
        self.clock.time += self.took

        def told(kind, key):
            known = self.details[kind]
            value = known(now) if callable(known) else known
            return value.get(key) if isinstance(value, dict) else value

        def wanted(kind):
            known = self.details.get(kind, walk())
            return known(now) if callable(known) else known

        details = Details(
            tasks={dag_id: told("tasks", dag_id) for dag_id in inquiry.tasks},
            sources={name: told("sources", name) for name in inquiry.sources},
            warnings=wanted("warnings") if inquiry.warnings else None,
            variables={key: told("variables", key) for key in inquiry.variables},
            connections=wanted("connections") if inquiry.connections else None,
            pools=wanted("pools") if inquiry.pools else None,
        )
        return replace(seen, details=details, ended=at(now + self.took))

    def times_of(self, kind):
        """When details of this kind were asked for."""
        return [now for now, inquiry in self.asked if getattr(inquiry, kind)]


def play(answer, expected, local_folder=None, *, took=0.0, rules=None, **details):
    """One whole wait; with the outcome its findings by id, and how it went."""
    clock, progress = FakeClock(), silent_progress()
    airflow = Airflow(clock, answer, details, took)
    values = {"deployed_at": DEPLOYED, "timeout": 900.0} | (rules or {})
    outcome = run(
        Expectations(expected, local_folder), Rules(**values), airflow, clock, progress, "in a test"
    )
    return SimpleNamespace(
        word=str(outcome.status),
        outcome=outcome,
        found={finding.id: finding for finding in outcome.findings},
        airflow=airflow,
        ended=outcome.elapsed,
        rounds=progress.rounds,
    )
