"""The README says what the program does."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from validator.cli.main import COMMANDS, cli
from validator.manifest import parse_manifest
from validator.reasons import ADVICE

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
HELP = re.findall(r"<!-- help: (mwaa-gate[^>]*?) -->\n```console\n\$ (.+?)\n(.*?)\n```", README, re.DOTALL)


def test_a_help_block_stands_for_the_command_itself_and_for_its_main_commands():
    assert [name for name, _, _ in HELP] == ["mwaa-gate", "mwaa-gate check", "mwaa-gate sandbox"]


@pytest.mark.parametrize(("name", "shown", "text"), HELP, ids=[name for name, _, _ in HELP])
def test_every_help_block_is_what_the_program_prints(name, shown, text):
    arguments = shown.split()[1:]
    assert shown == f"{name} --help"
    if (
        len(arguments) > 1
    ):  # click keeps what a command's help option was called when it first ran, perhaps by itself
        cli.get_command(click.Context(cli), arguments[0])._help_option = None
    result = CliRunner().invoke(cli, arguments, prog_name="mwaa-gate", terminal_width=100)
    assert result.exit_code == 0
    assert text == result.output.rstrip()


def test_every_reason_code_has_its_row_with_the_advice_that_the_program_gives():
    rows = re.findall(r"^\| `([a-z-]+)` \| (.+) \|$", README, re.MULTILINE)
    assert dict(rows) == {str(reason): advice for reason, advice in ADVICE.items()}
    assert len(rows) == len(ADVICE)


def test_every_manifest_in_the_readme_is_one():
    blocks = [block for block in re.findall(r"```yaml\n(.*?)```", README, re.DOTALL) if "version: 1" in block]
    assert len(blocks) == 3
    for block in blocks:
        assert parse_manifest(block.encode(), "README.md", {"GIT_SHA": "5f3c2a1"}).dags


@pytest.mark.parametrize("document", ["README.md", "docs/lambda.md"])
def test_every_block_that_is_copied_from_a_file_is_that_file(document):
    text = (ROOT / document).read_text("utf-8")
    copied = re.findall(r"<!-- file: (\S+) -->\n```\w+\n(.*?)```", text, re.DOTALL)
    assert copied
    for name, block in copied:
        here = (ROOT / name).read_text("utf-8")
        assert block == re.sub(r"uses: \./ .*", "uses: OWNER/mwaa-gate@COMMIT", here), name


def test_every_link_leads_to_something():
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


def test_every_command_of_the_list_can_be_loaded_and_says_there_what_its_own_help_says():
    context = click.Context(cli)
    for name, line in COMMANDS.items():
        command = cli.get_command(context, name)
        assert command is not None
        assert command.help
        assert line.endswith(".")
