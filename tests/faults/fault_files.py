"""What the files of a schedule hold: as the simulated Airflow reads them, and as text for a local folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from validator.sandbox.files import DagFile, SimDag, helper, tasks

if TYPE_CHECKING:
    from fault_schedule import Schedule, Story

TRACE = (
    'Traceback (most recent call last):\n  File "{path}", line 1, in <module>\nImportError: nothing there\n'
)
SMOKED = "smoked.py"


def module_of(path: str) -> str:
    """The helper of a DAG's file: `team/d3.py` takes from `lib3.py`."""
    return f"lib{path.rpartition('d')[2].removesuffix('.py')}"


def file_of(dag_id: str, path: str, what: str, *, paused: bool = False) -> DagFile:
    """The file of a DAG at one point of its story."""
    imports = {}
    lines = ["from airflow import DAG"]
    if what.startswith("import "):
        name = "run" if " run " in what else ""
        imports = {f"{module_of(path)}.py": name}
        lines.append(f"from {module_of(path)} import {name or 'name'}")
    if what in ("broken", "dies"):
        lines.append("import nothing_there")
    defines = f"other_{dag_id}" if what == "dropped" else dag_id
    lines += ["", f"with DAG({defines!r}, tags=[]) as dag:", f"    version = {what!r}", ""]
    dag = SimDag(defines, version=what, tasks=tasks("extract", "load"), paused_upon_creation=paused)
    file = DagFile((dag,), imports=imports, source="\n".join(lines), dies=what == "dies")
    return file.broken(TRACE) if what == "broken" else file


def helper_of(what: str) -> DagFile:
    """A helper: `run 2` provides the name `run`."""
    provides = ("name", "run") if what.startswith("run") else ("name",)
    text = "".join(f"def {name}():\n    return {what!r}\n" for name in provides)
    made = helper(*provides, version=what)
    return DagFile(provides=made.provides, version=what, listed=False, source=text)


def first_of(story: Story) -> dict[str, str]:
    """What each file of a story holds before the deploy."""
    if story.fate == "moves":
        return {story.uploads[-1].path: "1"}
    return {story.file: story.before} if story.before else {}


def last_of(story: Story) -> dict[str, str]:
    """What each file of a story holds when the deploy is over, or should: a file that was never uploaded, too."""
    if story.fate == "never":
        return {story.file: "2"}
    if story.fate == "removed":
        return {story.file: "1"}
    held = first_of(story)
    held.update((one.path, one.what) for one in story.uploads)
    return {path: what for path, what in held.items() if what != "gone"}


def local_files(schedule: Schedule) -> dict[str, str]:
    """The local folder that was deployed, as texts by path."""
    texts = {}
    for story in schedule.stories:
        if story.fate == "lingers":  # that it is not gone is just what the deploy forgot
            continue
        for path, what in last_of(story).items():
            texts[path] = file_of(story.dag_id, path, what).source or ""
    for path, before, uploads in schedule.helpers:
        texts[path] = helper_of(uploads[-1].what if uploads else before).source or ""
    return texts
