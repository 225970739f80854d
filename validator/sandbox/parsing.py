"""A simulated DAG processor: its copy of the files, its listing, its queue and its parses."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from validator.sandbox.metadata import Code, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from random import Random

    from validator.sandbox.files import DagFile
    from validator.sandbox.metadata import Metadata
    from validator.sandbox.rules import Rules
    from validator.sandbox.timeline import Timeline


def parse(path: str, files: Mapping[str, DagFile], folder: str, seconds: float = 0.0) -> Outcome:
    """What a parse of `path` finds in `files`. A file that is not there yields nothing, without an error."""
    file = files.get(path)
    if file is None:
        return Outcome(seconds=seconds)
    if file.dies:
        return Outcome(died=True, seconds=seconds)
    helpers: list[tuple[str, DagFile]] = []
    todo = list(file.imports.items())
    while todo:
        needed, name = todo.pop(0)
        found = files.get(needed)
        trace = _import_trouble(path, needed, name, found, folder)
        if trace is not None:
            return Outcome(error=trace, seconds=seconds)
        if found is not None and (needed, found) not in helpers:
            helpers.append((needed, found))
            todo.extend(found.imports.items())
    codes = tuple(Code(path, dag, tuple(helpers)) for dag in file.dags)
    error = file.error.replace("{path}", f"{folder}/{path}") if file.error is not None else None
    return Outcome(codes, error, seconds=seconds)


def _import_trouble(path: str, needed: str, name: str, found: DagFile | None, folder: str) -> str | None:
    """The trace of an import that does not work; None if it does."""
    module = needed.removesuffix(".py").replace("/", ".")
    head = f'Traceback (most recent call last):\n  File "{folder}/{path}", line 3, in <module>\n'
    if found is None:
        return f"{head}    import {module}\nModuleNotFoundError: No module named '{module}'\n"
    if found.error is not None:
        own = found.error.replace("{path}", f"{folder}/{needed}")
        return f"{head}    import {module}\n" + own.removeprefix("Traceback (most recent call last):\n")
    if name and name not in found.provides:
        line = f"    from {module} import {name}\n"
        return f"{head}{line}ImportError: cannot import name '{name}' from '{module}' ({folder}/{needed})\n"
    return None


class Processor:
    """One DAG processor."""

    def __init__(self, rules: Rules, timeline: Timeline, metadata: Metadata, random: Random) -> None:
        self._rules = rules
        self._timeline = timeline
        self._metadata = metadata
        self._random = random
        self._files: dict[str, DagFile] = {}
        self._mtimes: dict[str, float] = {}
        self._orders: dict[str, tuple[float, int]] = {}
        self._listed: set[str] = set()
        self._finished: dict[str, float] = {}
        self._queue: deque[str] = deque()
        self._busy: dict[str, object] = {}
        self._life = 0
        self._alive = False

    def arrive(self, path: str, file: DagFile | None, *, mtime: float, order: tuple[float, int]) -> None:
        """The sync brought a file, or took it (None). What is older than what came already is dropped."""
        if path in self._orders and order < self._orders[path]:
            return
        self._orders[path] = order
        if file is None:
            self._files.pop(path, None)
        else:
            self._files[path], self._mtimes[path] = file, mtime

    def settle_in(self) -> None:
        """Begin in the middle of a long life: every file is known and was parsed a while ago."""
        self._listed = self._listing()
        for path in sorted(self._listed):
            finished = -self._random.uniform(0.0, self._rules.min_file_process_interval)
            self._finished[path] = finished
            self._metadata.persist(path, self._parse(path), finished, self._files)
        self._start(self._random.uniform(0.0, self._rules.dir_list_interval))

    def start(self) -> None:
        """Begin as a new process: nothing is known, the folder is listed at once."""
        if not self._alive:
            self._listed.clear()
            self._finished.clear()
            self._start(0.0)

    def kill(self) -> None:
        """Die; parses under way are lost."""
        self._alive = False
        self._life += 1
        self._queue.clear()
        self._busy.clear()

    def _start(self, first_listing: float) -> None:
        self._alive = True
        self._every(self._rules.loop, self._turn)
        self._every(self._rules.parsing_cleanup_interval, self._clean_up)
        if first_listing:
            self._in(first_listing, lambda: self._repeat(self._rules.dir_list_interval, self._list))
        else:
            self._repeat(self._rules.dir_list_interval, self._list)

    def _in(self, seconds: float, action: Callable[[], None]) -> None:
        """Do `action` in `seconds`, unless this process is dead by then."""
        life = self._life
        self._timeline.later(seconds, lambda: action() if life == self._life else None)

    def _repeat(self, interval: float, action: Callable[[], None]) -> None:
        action()
        self._in(interval, lambda: self._repeat(interval, action))

    def _every(self, interval: float, action: Callable[[], None]) -> None:
        self._in(self._random.uniform(0.0, interval), lambda: self._repeat(interval, action))

    def _listing(self) -> set[str]:
        return {path for path, file in self._files.items() if file.listed}

    def _list(self) -> None:
        """List the folder: new files go to the front of the queue, those gone are forgotten."""
        listing = self._listing()
        new, gone = sorted(listing - self._listed), self._listed - listing
        self._listed = listing
        self._metadata.forget_missing(listing)
        for path in gone:
            self._finished.pop(path, None)
            self._busy.pop(path, None)
        self._queue = deque(path for path in self._queue if path in listing)
        self._queue.extendleft(reversed(new))
        self._work()

    def _clean_up(self) -> None:
        self._metadata.deactivate_stale(self._finished)

    def _turn(self) -> None:
        """One turn of the loop: only an empty queue is filled again."""
        if not self._queue:
            self._queue.extend(self._due())
        self._work()

    def _work(self) -> None:
        """Begin what is queued, as far as parsers are free."""
        while self._queue and len(self._busy) < self._rules.parsers:
            path = self._queue.popleft()
            if path in self._listed and path not in self._busy:
                self._begin(path)

    def _due(self) -> list[str]:
        """The files whose interval is over, or whose mtime is later than their last parse; newest first."""
        now = self._timeline.now
        due = []
        for path in self._listed:
            finished = self._finished.get(path)
            mtime = self._mtimes[path]
            changed = finished is not None and mtime > finished
            waited = finished is None or now - finished >= self._rules.min_file_process_interval
            if path not in self._busy and (waited or changed):
                due.append((-mtime, path))
        return [path for _, path in sorted(due)]

    def _begin(self, path: str) -> None:
        """Read the bytes now; what they say is written when the parse ends."""
        outcome = self._parse(path)
        token = self._busy[path] = object()

        def end() -> None:
            if self._busy.get(path) is not token:
                return  # the file was deleted meanwhile
            del self._busy[path]
            self._finished[path] = self._timeline.now
            self._metadata.persist(path, outcome, self._timeline.now, self._files)
            self._work()

        self._in(outcome.seconds, end)

    def _parse(self, path: str) -> Outcome:
        file = self._files.get(path)
        seconds = file.parse_seconds if file else None
        if seconds is None:
            seconds = self._random.uniform(*self._rules.parse)
        return parse(path, self._files, self._rules.dags_folder, seconds)
