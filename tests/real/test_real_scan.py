"""The static scan beside Airflow's own code: which files it reads, and which DAGs are in them."""

from __future__ import annotations

import json
import random
import re
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from install import PINS, base_environment, install

sys.path.insert(0, str(Path(__file__).parent.parent / "builders"))  # test folders are no packages

from dag_examples import EXAMPLES

from validator.local.model import Reading
from validator.local.scan import read_folder
from validator.local.select import dag_files, ignore_problems

pytestmark = pytest.mark.airflow

SCRIPT = Path(__file__).with_name("airflow_reads.py")
SOURCE = "# airflow DAG\n"
SEED = 20261122
TREES = 150
"""So many of each syntax, each with a few ignore files."""
SYNTAXES = ("glob", "regexp")
FILES = (
    "a.py", "b.py", "test_a.py", "a_test.py", "A.py", "é.py", "b b.py", "#c.py", "[x].py", "x+y.py", "-.py",
    "etl/a.py", "etl/b.py", "etl/test_a.py", "etl/deep/a.py", "etl/deep/b.py", "etl/deep/er/a.py",
    "lib/a.py", "lib/etl/a.py", "lib/etl/b.py", ".hidden/a.py", "__pycache__/a.py", "a/b/c/d.py", "a/b.py",
    "team.a/a.py", "x.py/a.py",
)  # fmt: skip
"""The tree that the ignore files stand in."""
FOLDERS = sorted({str(Path(name).parent) for name in FILES} - {"."})
PIECES = {
    "glob": (
        "a", "b", "*", "**", "?", "etl", "deep", "lib", ".py", "*.py", "test_*", "*_test.py", "[ab]", "[!a]", "[",
        "a.py", "b.py", "\\[x\\].py", "é", " ", "__pycache__", ".hidden", "x.py", "er", "A", "d.py", "c",
    ),
    "regexp": (
        "a", "b", ".*", ".", "etl", "deep", "lib", r"\.py", "^", "$", "test_", "_test", "[ab]", "[^a]", "(", ")", "/",
        "(?i)a", "a|b", r"\w+", r"\d", "*", "+", "?", "(?=etl)", "(?!etl)", "(?<=l/)a", r"(a)\1", "{2}", r"\Z", "é",
        "(?:etl)", "__pycache__", "(?P<n>a)", "(?P=n)", "[", "(?>a)", "a++",
    ),
}  # fmt: skip


def written(folder: Path, names=FILES) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(SOURCE, encoding="utf-8")


def line(syntax: str, chance: random.Random) -> str:
    pieces = PIECES[syntax]
    if syntax == "regexp":
        while True:  # but not what only RE2 can read: a repeated anchor, flags in the middle
            text = "".join(chance.choices(pieces, k=chance.choice((1, 1, 2, 3))))
            if not re.search(r"[\^$][*+?{]|.\(\?i\)", text):
                return text
    steps = [
        "".join(chance.choices(pieces, k=chance.choice((1, 1, 2))))
        for _ in range(chance.choice((1, 1, 2, 3)))
    ]
    before, after = (
        chance.choice(("", "", "", "!", "/", "!/")),
        chance.choice(("", "", "", "/", " ", "  # why")),
    )
    return before + "/".join(steps) + after


def random_tree(folder: Path, syntax: str, chance: random.Random) -> None:
    written(folder)
    for place in ("", *chance.sample(FOLDERS, 3)):
        lines = [line(syntax, chance) for _ in range(chance.choice((1, 2, 4)))]
        if chance.random() < 0.3:  # a repeated line keeps its first place
            lines.append(lines[0])
        text = chance.choice(("\n", "\r\n")).join(lines)
        (folder / place / ".airflowignore").write_bytes(text.encode())


NASTY = {
    "nothing is ignored": {},
    "everything": {"": "*\n.*\n"},
    "comments and blanks": {"": "# a.py\n\n   \na.py   # this one\n\\#c.py\n#c.py\n"},
    "a folder by its name": {"": "etl\n"},
    "a folder with a slash": {"": "etl/\n"},
    "a folder of the root": {"": "/etl/\n"},
    "a file in a hidden folder cannot come back": {"": "etl/\n!etl/a.py\n"},
    "a file comes back": {"": "*.py\n!a.py\n"},
    "a later pattern wins": {"": "!a.py\na.py\n"},
    "a repeated pattern keeps its place": {"": "*.py\n!a.py\n*.py\n"},
    "a child brings back what its parent hides": {"": "a.py\n", "etl": "!a.py\n"},
    "a child hides what its parent brings back": {"": "b.py\n!b.py\n", "etl": "b.py\n"},
    "relative to the ignore file's folder": {"etl": "deep/a.py\n/b.py\n"},
    "by name at any depth": {"etl": "a.py\n"},
    "two stars": {"": "**/deep/a.py\nlib/**/b.py\na/**\n"},
    "no patterns": {"": "/\n \n#\n"},
    "the folder that is called like a file": {"": "x.py\n"},
    "an expression against the path from the root": {"etl": "^etl/a\n^a\n"},
    "an expression that is none": {"": "*.py\n(a\n[a\n"},
    "look-around": {"": "(?!etl)a\n(?<=l/)b\n"},
    "an escaped bracket": {"": r"\(\?!a" + "\n" + r"[(?!]a" + "\n"},
    "case": {"": "(?i)^a.py\nA.py\n"},
    "an ignore file that is a folder": {"lib/.airflowignore": None},
    "windows newlines": {"": "a.py\r\nb.py\r\n"},
    "a byte order mark": {"": "\ufeffa.py\nb.py\n"},
    "leading blanks": {"": "  a.py\n\tb.py\n"},
    "unclosed brackets": {"": "[a.py\na[.py\n"},
}


def nasty_tree(folder: Path, ignores) -> None:
    written(folder)
    for place, text in ignores.items():
        if text is None:
            (folder / place).mkdir(parents=True)
            (folder / place / "a.py").write_text(SOURCE, encoding="utf-8")
        else:
            (folder / place / ".airflowignore").write_bytes(text.encode())


def contents_tree(folder: Path) -> None:
    """Files that safe mode and the file's kind decide about."""
    contents = {
        "big.py": b"#" * 3_000_000 + b"airflow dag",
        "upper.py": b"AIRFLOW DAG", "only_airflow.py": b"airflow", "only_dag.py": b"dag", "asset.py": b"airflow ASSET",
        "only_asset.py": b"asset", "bytes.py": b"\xff\x00airflow\xfedag", "empty.py": b"", "no_suffix": SOURCE.encode(),
        "UPPER.PY": SOURCE.encode(), ".py": SOURCE.encode(), "a.pyc": SOURCE.encode(),
        "cut.py": b"#" * (2 * 1024 * 1024 - 2) + b"airflow" + b"#" * (1024 * 1024 - 6) + b"dag",
    }  # fmt: skip
    folder.mkdir(parents=True)
    for name, data in contents.items():
        (folder / name).write_bytes(data)
    for name in ("packed.zip", "packed.whl", "packed", "packed.py"):
        with zipfile.ZipFile(folder / name, "w") as archive:
            archive.writestr("inner.py", "x = 1\n")
    (folder / "not.zip").write_bytes(b"PK\x03\x04")
    (folder / "elsewhere").mkdir()
    (folder / "elsewhere" / "x.py").write_text(SOURCE, encoding="utf-8")
    (folder / "linked.py").symlink_to("upper.py")
    (folder / "nowhere.py").symlink_to("gone.py")
    (folder / "itself.py").symlink_to("itself.py")
    outside = folder.with_name(folder.name + "-outside")
    outside.mkdir()
    (outside / "y.py").write_text(SOURCE, encoding="utf-8")
    (folder / "linked").symlink_to(outside, target_is_directory=True)


def example_files(folder: Path, version: str) -> None:
    folder.mkdir(parents=True)
    for example in EXAMPLES:
        if version.startswith("3.") or not example.airflow_3:
            (folder / f"{example.name}.py").write_bytes(example.source)


@dataclass(frozen=True)
class Walk:
    """One folder, read with one syntax."""

    name: str
    folder: Path
    syntax: str
    safe_mode: bool = False


@dataclass(frozen=True)
class Answers:
    """What one Airflow says."""

    version: str
    walks: tuple[tuple[Walk, dict[str, object]], ...]
    dags: Path
    ids: dict[str, list[str]]
    errors: dict[str, str]

    def reading(self, walk: Walk) -> Reading:
        return Reading(walk.syntax == "glob", assets=self.version.startswith("3."), safe_mode=walk.safe_mode)


def all_walks(folder: Path) -> list[Walk]:
    walks = []
    for number, (name, ignores) in enumerate(NASTY.items()):
        nasty_tree(folder / f"nasty-{number}", ignores)
        walks += [Walk(name, folder / f"nasty-{number}", syntax) for syntax in SYNTAXES]
    contents_tree(folder / "contents")
    walks += [
        Walk(f"contents, safe mode {safe_mode}", folder / "contents", syntax, safe_mode)
        for syntax in SYNTAXES
        for safe_mode in (True, False)
    ]
    chance = random.Random(SEED)  # noqa: S311 - trees, no secrets
    for syntax in SYNTAXES:
        for number in range(TREES):
            tree = folder / f"{syntax}-{number}"
            random_tree(tree, syntax, chance)
            walks.append(Walk(f"random {syntax} {number}", tree, syntax))
    return walks


@pytest.fixture(scope="module", params=list(PINS))
def airflow(request, tmp_path_factory):
    """The answers of one Airflow; they are asked for once."""
    installed = install(request.param)
    folder = tmp_path_factory.mktemp(f"scan-{request.param}-").resolve()
    walks, dags = all_walks(folder), folder / "dags"
    example_files(dags, request.param)
    database = folder / "airflow.db"
    shutil.copy(installed.database, database)
    asked = {
        "walks": [
            {"folder": str(walk.folder), "syntax": walk.syntax, "safe_mode": walk.safe_mode} for walk in walks
        ],
        "dags": str(dags),
    }
    done = subprocess.run(
        [installed.python, SCRIPT, folder / "answer.json"],
        input=json.dumps(asked),
        env=base_environment(folder / "home", database) | {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    answer = json.loads((folder / "answer.json").read_text(encoding="utf-8"))
    return Answers(
        request.param,
        tuple(zip(walks, answer["walks"], strict=True)),
        dags,
        answer["ids"],
        answer["errors"],
    )


def compared(airflow: Answers, wanted) -> list[str]:
    """What the scan and Airflow do not agree on, for people."""
    differences = []
    for walk, answer in airflow.walks:
        if not walk.name.startswith(wanted):
            continue
        folder = read_folder(walk.folder)
        ours = [file.name for file in dag_files(folder, airflow.reading(walk))]
        texts = {name: text.split("\n") for name, text in folder.ignores.items()}
        if "error" in answer:
            if not ignore_problems(folder, airflow.reading(walk)):
                differences.append(f"{walk.name} ({walk.syntax}): {answer['error']} {texts}")
        elif ours != answer["files"]:
            theirs = set(map(str, answer["files"]))
            differences.append(
                f"{walk.name} ({walk.syntax}): only here {sorted(set(ours) - theirs)}, only Airflow "
                f"{sorted(theirs - set(ours))} {texts}"
            )
    return differences


def test_ignore_files_hide_what_they_hide_from_airflow(airflow):
    assert compared(airflow, tuple(NASTY)) == []


def test_random_ignore_files_hide_what_they_hide_from_airflow(airflow):
    assert compared(airflow, "random") == []


def test_the_random_ignore_files_say_something(airflow):
    """Most trees are listed, and in most some files are hidden and some are not."""
    listed = [
        len(answer["files"])
        for walk, answer in airflow.walks
        if walk.name.startswith("random") and "files" in answer
    ]

    assert len(listed) > TREES
    assert sum(0 < count < len(FILES) for count in listed) > TREES / 2


def test_safe_mode_and_archives_are_what_they_are_to_airflow(airflow):
    assert compared(airflow, "contents") == []


def test_below_a_prefix_expressions_are_held_against_the_path_from_the_environments_root(airflow):
    walk, answer = next(
        (walk, answer)
        for walk, answer in airflow.walks
        if walk.name == "an expression against the path from the root" and walk.syntax == "regexp"
    )
    folder = read_folder(walk.folder / "etl", "etl")
    ours = [folder.deployed_name(file.name) for file in dag_files(folder, airflow.reading(walk))]

    assert ours == [name for name in answer["files"] if name.startswith("etl/")]
    assert "etl/a.py" not in ours
    assert "etl/b.py" in ours


def test_airflow_finds_every_dag_that_is_certain_and_no_other(airflow):
    folder = read_folder(airflow.dags)
    told = {
        file.name: sorted({definition.dag_id for definition in file.certain})
        for file in folder.files
        if not file.computes
    }

    assert told == {name: airflow.ids[name] for name in told}, airflow.errors


def test_airflow_finds_a_dag_where_one_is_expected(airflow):
    folder = read_folder(airflow.dags)
    examples = {f"{example.name}.py": example for example in EXAMPLES}
    for file in folder.files:
        if file.computes:
            found, certain = airflow.ids[file.name], {definition.dag_id for definition in file.certain}
            assert certain <= set(found), (file.name, airflow.errors.get(file.name))
            more = bool(set(found) - certain)
            assert more is not examples[file.name].fails, (file.name, airflow.errors.get(file.name))
