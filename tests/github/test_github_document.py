"""docs/github.md says what action.yml does."""

import re
from pathlib import Path

import pytest
import yaml

from validator.report.markdown import COMMENT_LIMIT

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs/github.md").read_text("utf-8")
ACTION = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
HERE = re.compile(r"uses: \./ .*")
ELSEWHERE = "uses: OWNER/mwaa-gate@COMMIT"


def section(name):
    return DOCUMENT.partition(f"\n## {name}\n")[2].partition("\n## ")[0]


@pytest.mark.parametrize("part", ["inputs", "outputs"])
def test_each_table_is_the_actions_own(part):
    rows = dict(re.findall(r"^\| `([a-z0-9-]+)` \| (.+) \|$", section(part.capitalize()), re.MULTILINE))
    assert rows == {name: one["description"] for name, one in ACTION[part].items()}


def test_the_shortest_deploy_is_the_file_that_is_checked():
    (name, text), *others = re.findall(r"<!-- file: (\S+) -->\n```yaml\n(.*?)```", DOCUMENT, re.DOTALL)
    assert not others
    assert text == HERE.sub(ELSEWHERE, (ROOT / name).read_text("utf-8"))
    assert text.count(ELSEWHERE) == 1


def test_every_example_is_yaml_and_gives_only_inputs_that_there_are():
    blocks = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", DOCUMENT, re.DOTALL)]
    assert len(blocks) == 3
    for block in blocks:
        jobs = block["jobs"].values() if isinstance(block, dict) else [{"steps": block}]
        for step in (step for job in jobs for step in job.get("steps", [])):
            if "mwaa-gate" in step.get("uses", ""):
                assert set(step["with"]) <= set(ACTION["inputs"])
            assert "${{" not in step.get("run", "")


def test_the_size_of_a_comment_is_the_programs():
    assert f"at most {COMMENT_LIMIT:,} bytes" in DOCUMENT


def test_every_link_leads_to_something():
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", DOCUMENT):
        assert (ROOT / "docs" / target).exists(), target
