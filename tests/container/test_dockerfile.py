"""What must hold of the Dockerfile before anything is built of it; needs no buildah."""

from __future__ import annotations

import re
from pathlib import Path

import validator

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")


def instructions(name):
    joined = DOCKERFILE.replace("\\\n", " ")
    return re.findall(rf"^{name}\s+(.*)$", joined, re.MULTILINE)


def test_the_label_tells_the_packages_version():
    assert f"VERSION={validator.__version__}" in instructions("ARG")


def test_the_base_is_named_with_a_tag_that_is_not_latest():
    (base,) = [argument.removeprefix("BASE=") for argument in instructions("ARG") if "BASE" in argument]
    assert re.fullmatch(r"[\w.-]+/[\w./-]+:3\.\d+-[\w.-]+", base)
    assert {word.split()[0] for word in instructions("FROM")} == {"${BASE}"}


def test_every_package_from_an_index_is_locked_and_hashed():
    installs = [line for line in instructions("RUN") if "pip" in line and " install " in line]
    assert len(installs) == 3
    for line in installs:
        assert "--require-hashes" in line or ("--no-deps" in line and "--no-index" in line), line


def test_it_ends_as_a_user_by_number_with_an_entry_point_that_is_no_shell():
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", instructions("USER")[-1])
    assert instructions("ENTRYPOINT") == ['["mwaa-gate"]']


def test_the_last_stage_runs_nothing_so_that_nothing_of_a_build_stays_in_it():
    last = DOCKERFILE.rsplit("\nFROM ", 1)[1]
    assert "\nRUN " not in last


def test_only_what_is_copied_reaches_the_build():
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    copied = {word for line in instructions("COPY") if "--from" not in line for word in line.split()[:-1]}
    assert {rule[1:] for rule in rules if rule.startswith("!")} == {word.split("/")[0] for word in copied}
