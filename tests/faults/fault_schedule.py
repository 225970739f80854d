"""Random deploys and the faults on their way, each made from one integer: what happens, and nothing of how it ends.

Times are seconds of the simulated environment, whose clock stands still at the deploy's end until the gate's first call.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

VERSIONS = ("2.4.3", "2.10.5", "3.0.6", "3.3.2")

GOOD = ("stays", "changes", "twice", "appears", "helped", "half", "mended", "revived", "moves")
"""What a deploy does to a DAG that comes out well. `helped`: its file takes a name from its helper, which may arrive
later; `half`: it and its helper change; `mended` and `revived`: a first upload is broken, or kills its parser."""
SHARP = ("changes", "twice", "twice", "half")
"""Those that only sync and settle tell from what is done."""
BAD = ("broken", "dies", "dropped", "removed", "never", "unhelped", "unlike", "paused")
"""And to one that does not. `unlike`: its tasks are others than demanded; `unhelped`: the name is never there."""
ABSENT = ("leaves", "lingers")
"""A DAG that must be gone: it goes, or stays."""

KINDS = (
    *("throttled", "throttled-400", "too-many-requests", "aws-500", "http-502", "http-503", "server-error"),
    *(
        "bare-server-error",
        "reset",
        "reset-after",
        "cut-body",
        "cut-connection",
        "half-json",
        "html",
        "airflow-html",
    ),
    *("wrong-shape", "wrong-types", "late", "too-late", "forbidden", "not-found", "restart"),
)
"""How a call may go wrong; see fault_wire."""
DARK = (
    "throttled",
    "aws-500",
    "http-502",
    "server-error",
    "reset",
    "cut-body",
    "half-json",
    "html",
    "wrong-shape",
)
"""What may last for ever: nobody can tell anything then."""
PLACES = (".*", "/dags", "/importErrors", "/health|/monitor/health", "GetEnvironment")
"""Which calls it befalls: a regular expression of the path, or an operation of AWS's."""
ENVIRONMENT_KINDS = (
    "throttled",
    "aws-500",
    "http-502",
    "reset",
    "cut-body",
    "cut-connection",
    "half-json",
    "html",
)


@dataclass(frozen=True)
class Upload:
    """One change of a file in S3."""

    path: str
    what: str
    """What the file holds from then on: see fault_files. `gone`: nothing."""
    at: float
    lags: tuple[float, ...]
    """Until it is at each processor."""


@dataclass(frozen=True)
class Story:
    """One expected DAG, or one that must be absent, and what the deploy does to it."""

    dag_id: str
    fate: str
    file: str
    before: str = ""
    """What its file holds before the deploy; empty: it is not there."""
    uploads: tuple[Upload, ...] = ()


@dataclass(frozen=True)
class Trouble:
    """Calls that go wrong: `times` in a row from the `first` one on, of those at `place`."""

    kind: str
    place: str = ".*"
    first: int = 1
    times: int = 1
    seconds: float = 0.0


@dataclass(frozen=True)
class Pace:
    """The environment's intervals."""

    interval: float = 0.3
    scan: float = 0.3
    parse: float = 0.05
    settle: float = 0.3
    parsers: int = 2
    keep_mtime: bool = False
    flapping: bool = False
    page_limit: int = 100


@dataclass(frozen=True)
class Told:
    """What the gate is told on its command line."""

    sync: float
    interval: float = 0.3
    timeout: float = 40.0
    grace: float = 0.4
    stable_for: float = 0.0
    fail_fast: bool = True
    exact: bool = False
    """The deploy's end as a time; else `now`."""
    folder: bool = False
    """With --dags-folder."""


@dataclass(frozen=True)
class Schedule:
    """A deploy, all that happens around it, and what the gate is told."""

    seed: int
    airflow: str
    processors: int
    pace: Pace
    told: Told
    end: float
    """When the deploy is over, and the gate makes its first call."""
    stories: tuple[Story, ...]
    helpers: tuple[tuple[str, str, tuple[Upload, ...]], ...] = ()
    """Path, what it holds before the deploy, and its uploads."""
    fillers: int = 0
    """DAGs of others, in one file."""
    churn: tuple[tuple[float, str], ...] = ()
    """When a file of others comes, or goes if it is there."""
    foreign_error: bool = False
    troubles: tuple[Trouble, ...] = ()
    jitter: float = 0.0
    """Each answer may take up to so long: pages come out of order."""
    skew: float = 0.0
    """Seconds that the server's clock is ahead of the gate's."""
    answer_within: float = 10.0
    calls_per_second: float = 0.0
    dead: str = ""
    """A component that dies before the deploy's end."""
    revived_at: float | None = None
    updating_until: float | None = None
    """The environment is UPDATING when the gate begins; infinity: for ever."""
    smoke: str = ""
    """How a DAG run that the manifest wants would end; empty: it wants none."""

    @property
    def bad(self) -> frozenset[str]:
        """The DAGs and components that are not as expected, however long the gate waits."""
        wrong = {one.dag_id for one in self.stories if one.fate in (*BAD, "lingers")}
        dead = {self.dead} if self.dead and self.revived_at is None else set()
        return frozenset(wrong | dead | ({"smoked"} if self.smoke == "failed" else set()))

    @property
    def within(self) -> bool:
        """Whether all that the gate assumes is so: every file, and the slowest parse of older bytes, was in time."""
        return self.overdue <= 1e-9

    @property
    def overdue(self) -> float:
        """Seconds by which the latest file was later than assumed; negative: earlier."""
        uploads = [one for story in self.stories for one in story.uploads]
        uploads += [one for _, _, some in self.helpers for one in some]
        latest = max((one.at + max(one.lags) for one in uploads), default=0.0)
        return latest + self.pace.parse - self.end - self.told.sync

    @property
    def dark(self) -> bool:
        """Whether from some call on nothing can be read any more."""
        for_ever = any(one.times > 10**6 for one in self.troubles)
        return for_ever or self.updating_until == float("inf")

    @property
    def hurried(self) -> bool:
        """Whether the deadline may come before the truth can show."""
        return self.told.timeout < 6.0

    @property
    def longest_call(self) -> float:
        """Seconds that one call may take."""
        return max((one.seconds for one in self.troubles), default=0.0) + self.jitter


def schedule_of(seed: int) -> Schedule:
    """The schedule that a seed stands for."""
    return _Drawn(seed).schedule()


class _Drawn:
    """One schedule in the making."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.random = Random(f"fault schedule {seed}")  # noqa: S311 - it can be repeated
        draw = self.random
        self.airflow = draw.choice(VERSIONS)
        self.processors = draw.choice((1, 1, 2))
        self.end = draw.uniform(0.5, 3.0)
        self.sync = draw.uniform(0.2, 0.8)
        self.late = draw.random() < 0.05  # outside of what the gate assumes: it must only keep its manners
        self.character = draw.choices(("good", "bad", "dark", "hurried"), weights=(55, 27, 13, 5))[0]
        self.sharp = self.character == "good" and draw.random() < 0.4
        """Whether nothing but its own rules keeps the gate from a green that comes too early."""
        if self.sharp:
            self.sync = draw.uniform(0.8, 1.6)
        self.pace = Pace(
            interval=draw.uniform(0.15, 0.4),
            scan=draw.uniform(0.15, 0.5),
            parse=draw.choice((0.01, 0.05, 0.12)),
            settle=draw.choice((0.8, 1.2) if self.sharp else (0.0, 0.2, 0.4, 0.6)),
            parsers=draw.choice((1, 2, 4)),
            keep_mtime=draw.random() < 0.3,
            flapping=draw.random() < 0.15,
            page_limit=draw.choice((100, 100, 4, 7)),
        )
        self.helpers: list[tuple[str, str, tuple[Upload, ...]]] = []

    def schedule(self) -> Schedule:
        draw = self.random
        count = draw.randint(1, 4)
        smoke = "" if draw.random() > 0.04 or self.character not in ("good", "bad") else "success"
        if smoke and self.character == "bad":
            smoke = "failed"
        is_bad = self.character == "bad" and not smoke
        bad = draw.randint(0, count - 1) if is_bad else -1
        by_component = is_bad and draw.random() < 0.2
        good = SHARP if self.sharp else GOOD
        stories = [
            self.story(number, draw.choice(BAD) if number == bad and not by_component else draw.choice(good))
            for number in range(count)
        ]
        if draw.random() < 0.25:
            lingers = is_bad and draw.random() < 0.4
            stories.append(self.story(count, "lingers" if lingers else "leaves"))
        dead, revived_at = self.component(dies=by_component)
        many = draw.random() < 0.4
        return Schedule(
            seed=self.seed,
            airflow=self.airflow,
            processors=self.processors,
            pace=self.pace,
            told=self.told(),
            end=self.end,
            stories=tuple(stories),
            helpers=tuple(self.helpers),
            fillers=draw.randint(5, 20) if many else draw.choice((0, 1)),
            churn=self.churn() if many else (),
            foreign_error=draw.random() < 0.15,
            troubles=self.troubles(),
            jitter=draw.choice((0.0, 0.0, 0.03, 0.1)),
            skew=draw.choice((0.0, 0.0, 0.0, draw.uniform(-1200.0, 1200.0), draw.uniform(-90.0, 90.0))),
            answer_within=draw.choice((0.4, 10.0)),
            calls_per_second=draw.choice((0.0, 0.0, 0.0, 25.0)),
            dead=dead,
            revived_at=revived_at,
            updating_until=self.updating(),
            smoke=smoke,
        )

    def told(self) -> Told:
        draw = self.random
        timeout = {"good": 40.0, "bad": draw.uniform(7.0, 8.0), "dark": draw.uniform(8.5, 9.5)}
        return Told(
            sync=self.sync,
            interval=draw.uniform(0.4, 0.8)
            if self.character == "bad"
            else draw.uniform(0.2, 0.3 if self.sharp else 0.5),
            timeout=timeout.get(self.character, draw.uniform(1.0, 3.5)),
            grace=draw.choice((0.2, 0.5)),
            stable_for=draw.choice((0.0, 0.0, 0.0, 0.4)),
            fail_fast=draw.random() < 0.8,
            exact=self.sharp or draw.random() < 0.6,
            folder=draw.random() < 0.2,
        )

    def upload(self, path: str, what: str, at: float) -> Upload:
        """A change whose arrivals keep to what the gate assumes, some of them only just."""
        latest = self.end + self.sync - self.pace.parse - at
        if self.late:
            latest += self.random.uniform(0.5, 4.0) * self.sync

        # What comes before the last change starts the settle clock only just before it.
        before = self.random.uniform(0.1, 0.4) if self.sharp and what in ("half", "import 2") else 0.0

        def lag() -> float:
            only_just = self.random.random() < (0.8 if self.sharp else 0.35)
            return latest - before if only_just else self.random.uniform(0.0, latest)

        return Upload(path, what, at, tuple(lag() for _ in range(self.processors)))

    def moments(self, count: int) -> list[float]:
        return sorted(self.random.uniform(0.01, self.end) for _ in range(count))

    def story(self, number: int, fate: str) -> Story:  # noqa: C901, PLR0911, PLR0912 - one for each fate
        dag_id, path = f"d{number}", f"{self.random.choice(('', 'team/'))}d{number}.py"
        helper = f"lib{number}.py"
        first, second = self.moments(2)
        put = self.upload

        def told(before: str, *uploads: Upload) -> Story:
            return Story(dag_id, fate, path, before, uploads)

        if fate in ("stays", "unlike", "paused"):
            return told("2")
        if fate in ("changes", "lingers"):
            return told("1", put(path, "2", second))
        if fate == "leaves":
            return told("1", put(path, "gone", second))
        if fate == "twice":
            return told("1", put(path, "half", first), put(path, "2", second))
        if fate == "appears":
            return told("", put(path, "2", second))
        if fate == "helped":
            self.helpers.append((helper, "1", (put(helper, "run 2", first),)))
            return told("import 1", put(path, "import run 2", second))
        if fate == "half":
            self.helpers.append((helper, "1", (put(helper, "2", first),)))
            return told("import 1", put(path, "import 2", second))
        if fate == "mended":
            return told("1", put(path, "broken", first), put(path, "2", second))
        if fate == "revived":
            return told("1", put(path, "dies", first), put(path, "2", second))
        if fate == "moves":
            moved = f"new_{dag_id}.py"
            return Story(dag_id, fate, moved, "", (put(moved, "2", first), put(path, "gone", second)))
        if fate in ("broken", "dies"):
            return told(self.random.choice(("1", "")), put(path, fate, second))
        if fate == "dropped":
            return told("1", put(path, "dropped", second))
        if fate == "removed":
            return told("1", put(path, "gone", second))
        if fate == "unhelped":
            self.helpers.append((helper, "1", ()))
            return told("import 1", put(path, "import run 2", second))
        return told("")  # never

    def component(self, *, dies: bool) -> tuple[str, float | None]:
        draw = self.random
        if dies:
            told = () if self.airflow == "2.4.3" else ("triggerer",)  # whose /health does not speak of it
            return draw.choice(("scheduler", "dag_processor", *told)), None
        if self.character == "good" and draw.random() < 0.08:
            names = ("scheduler", "dag_processor", "triggerer", "metadatabase", "webserver")
            return draw.choice(names), self.end + draw.uniform(0.2, 1.5)
        return "", None

    def churn(self) -> tuple[tuple[float, str], ...]:
        draw = self.random
        if draw.random() < 0.5:
            return ()
        names = ("a_churn.py", "e_churn.py", "z_churn.py")
        return tuple(
            sorted(
                (self.end + draw.uniform(0.0, 2.0), draw.choice(names)) for _ in range(draw.randint(2, 10))
            )
        )

    def troubles(self) -> tuple[Trouble, ...]:
        draw = self.random
        if self.sharp:
            return ()
        if self.character == "dark" and draw.random() < 0.8:
            kind = draw.choice((*DARK, "expired"))
            return (Trouble(kind, ".*", draw.choice((1, 2, 4, 8, 14)), 10**9),)
        most = {"good": 4, "bad": 2}.get(self.character, 1)
        return tuple(
            self.trouble() for _ in range(draw.choice((0, draw.randint(1, most), draw.randint(0, most))))
        )

    def trouble(self) -> Trouble:
        draw = self.random
        place = draw.choice(PLACES)
        kind = draw.choice(ENVIRONMENT_KINDS if place == "GetEnvironment" else KINDS)
        most = {"GetEnvironment": 2}.get(place, 4)
        times = 1 if kind in ("restart", "forbidden", "not-found") else draw.randint(1, most)
        seconds = {"late": draw.uniform(0.1, 0.8), "too-late": 0.6, "restart": draw.uniform(0.2, 1.0)}
        first = draw.randint(1, 6 if self.character == "bad" else 18)
        return Trouble(kind, place, 1 if place == "GetEnvironment" else first, times, seconds.get(kind, 0.0))

    def updating(self) -> float | None:
        draw = self.random
        if self.character == "dark":
            return float("inf") if draw.random() < 0.15 else None
        return self.end + draw.uniform(0.3, 1.5) if draw.random() < 0.05 else None
