"""`${NAME}` takes an environment variable: as data, never read again, never shown."""

import pytest

from validator.errors import ManifestError
from validator.manifest import parse_manifest


def load(text, **environ):
    return parse_manifest(f"version: 1\n{text}\n".encode(), "manifest.yaml", environ)


def problems(text, **environ):
    with pytest.raises(ManifestError) as caught:
        load(text, **environ)
    return caught.value.problems


@pytest.mark.parametrize("style", ["{}", "'{}'", '"{}"', "|-\n    {}", "!!str {}"])
def test_a_variable_goes_into_every_style_of_text(style):
    manifest = load("dags:\n  - " + style.format("${TEAM}_${STAGE}.x"), TEAM="a", STAGE="prod")
    assert manifest.dags[0].dag_id == "a_prod.x"


@pytest.mark.parametrize("value", ["no", "42", "2024-01-01", "null"])
def test_a_value_is_text_whatever_it_looks_like(value):
    assert load("dags: ['${ID}']", ID=value).dags[0].dag_id == value


def test_a_duration_may_come_from_a_variable():
    assert load("dags: [a]\ngate: {timeout: '${T}'}", T="2m").gate.timeout == 120
    assert load("dags: [a]\ngate: {timeout: '${T}'}", T="auto").gate.timeout is None


@pytest.mark.parametrize(
    "value", ["[a, b]", "{dag_id: a}", "a\n- b", "&x a", "*x", "!!int 3", "${OTHER}", "$${"]
)
def test_a_value_is_never_read_as_a_manifest(value):
    told = problems("dags: ['${ID}']", ID=value, OTHER="etl")
    assert told == (
        (
            "line 2: dags[0]: is the value of ${ID}; "
            "it must be a DAG id: 1 to 250 letters, digits, dashes, dots and underscores"
        ),
    )


def test_two_dollars_write_the_characters_themselves():
    allow = load(
        'dags: [a]\nimport_errors: {allow: ["$${X}/*.py", "$$/a", "$/b", "$$${X}"]}', X="never"
    ).import_errors.allow
    assert allow == ("${X}/*.py", "$$/a", "$/b", "$${X}")


def test_an_undefined_variable_is_named_with_its_line():
    assert problems("dags:\n  - a\n  - b_${STAGE}") == (
        (
            "line 4: dags[1]: the environment variable 'STAGE' is not set; "
            "set it, or write $${ where ${ itself is meant"
        ),
    )


@pytest.mark.parametrize("text", ["${", "${}", "${1A}", "${A-b}", "${A", "${ A }", "${A:-x}"])
def test_what_only_looks_like_a_variable_is_an_error(text):
    assert "${ begins an environment variable" in problems(f"dags: ['{text}']", A="a")[0]


def test_a_key_takes_no_variable():
    assert "unknown key '${KEY}'" in problems('"${KEY}": [a]', KEY="dags")[0]


def test_an_alias_brings_no_value_into_a_keys_message():
    told = problems("dags: [&secret '${TOKEN}']\n*secret : 1", TOKEN="hunter2")
    assert told == ("line 3: a key must be plain text, not an alias",)


@pytest.mark.parametrize(
    "text",
    [
        "environment: '${TOKEN}'",
        "environment: 'x${TOKEN}'",
        "region: '${TOKEN}'",
        "dags: ['${TOKEN}']",
        "dags: [{dag_id: '${TOKEN}', file: '/${TOKEN}', paused: '${TOKEN}'}]",
        "dags: [{pattern: '${TOKEN}', min: '${TOKEN}'}]",
        "dags: '${TOKEN}'",
        "gate: {timeout: '${TOKEN}', fail_fast: '${TOKEN}'}",
        "gate: '${TOKEN}'",
        "health: {ignore: ['${TOKEN}', '${TOKEN}']}",
        "import_errors: {scope: '${TOKEN}'}",
    ],
)
def test_a_value_is_never_shown(text):
    told = problems(text, TOKEN="hunter 2\x1b")
    assert any("${TOKEN}" in problem for problem in told)
    assert not any("hunter" in problem for problem in told)


def test_ids_that_are_the_same_after_substitution_stand_twice():
    assert problems("dags: [etl, '${ID}']", ID="etl") == (
        "line 2: dags[1]: the value of ${ID} stands twice, here and on line 2; keep one of them",
    )


def test_a_value_that_is_no_text_is_refused():
    assert problems("dags: ['${ID}']", ID="\udc80") == (
        "line 2: dags[0]: the environment variable 'ID' is not UTF-8 text",
    )


def test_variables_cannot_fill_the_memory():
    told = problems(f"environment: '{'${BIG}' * 100_000}'", BIG="x" * 100_000)
    assert told == ("line 2: environment: the environment variables bring more than 1 MiB of text",)
