"""The model of the runner knows what it must, so that what it lets pass means something."""

import pytest


@pytest.mark.parametrize(
    ("line", "name", "message"),
    [
        ("::error file=a.py,line=3,title=a%3Ab::x%0Ay%25", "error", "x\ny%"),
        (" \t::warning::x", "warning", "x"),
        ("before\u2028::add-mask::x", "add-mask", "x"),
        ("word ##[error]x", "##[", "word ##[error]x"),
        ("::stop-commands::token", "stop-commands", "token"),
    ],
)
def test_it_sees_what_the_runner_would_obey(runner_model, line, name, message):
    (command,) = runner_model["commands"](f"one\n{line}\nlast")
    assert (command.name, command.message) == (name, message)


@pytest.mark.parametrize("line", ["| ::error::x", ": :error::x", "# #[error]x", "a ::error::x", ":: not one"])
def test_it_sees_nothing_where_there_is_nothing(runner_model, line):
    assert runner_model["commands"](line) == []


def test_it_reads_values(runner_model):
    read = runner_model["values"]
    assert read("a=1\n\nb<<end\nx=y\n\nz\nend\nc==") == {"a": "1", "b": "x=y\n\nz", "c": "="}
    with pytest.raises(pytest.fail.Exception, match="no end"):
        read("a<<end\nx\n")


def test_it_fills_only_the_expressions_that_it_knows(runner_model):
    expressions = runner_model["expressions"](
        inputs={"a-b": "", "c": "${{ inputs.d }}"}, steps={"s.outputs.o": "1"}, env={}
    )
    assert expressions.fill("x${{ inputs.a-b || env.X || 'y' }}${{steps.s.outputs.o}}") == "xy1"
    assert expressions.fill("${{ inputs.c }}") == "${{ inputs.d }}", "a value is not read again"
    for unknown in (
        "inputs.d",
        "secrets.x",
        "format('a')",
        "inputs.c == 'x'",
        "github.token",
        "inputs.a-b && 'x'",
    ):
        with pytest.raises(AssertionError):
            expressions.fill(f"${{{{ {unknown} }}}}")


def test_it_refuses_an_expression_in_a_script(runner_model, runner):
    with pytest.raises(AssertionError, match="would be code"):
        runner.shell({"run": "echo ${{ inputs.x }}"}, runner_model["expressions"]())
