"""`${NAME}` takes an environment variable: as data, never read again, never shown."""

import pytest

from validator.errors import ManifestError
from validator.manifest import (
    EnvironmentRule,
    ExpectedConnection,
    ExpectedDag,
    ExpectedPool,
    InventoryRule,
    parse_manifest,
)


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


def test_every_new_corner_of_the_manifest_takes_a_variable():
    manifest = load(
        """
dags:
  - dag_id: etl
    schedule: ${CRON}
    tags: ["release:${SHA}", fixed]
    owners: ["${TEAM}-eng"]
    tasks: ["${TEAM}.load"]
    description: deployed by ${TEAM}
inventory: {unexpected: "${MODE}", allow: ["${TEAM}_*"]}
variables: ["${TEAM}/bucket"]
connections: ["${TEAM}", {conn_id: "${TEAM}_2", conn_type: "${TYPE}"}]
pools: ["${TEAM}", {name: "${TEAM}_2"}]
warnings: ${MODE}
mwaa: {airflow_version: "${VERSION}", plugins_s3_object_version: "${SHA}"}
""",
        CRON="0 3 * * *",
        SHA="1234567",
        TEAM="data",
        MODE="fail",
        TYPE="postgres",
        VERSION="2.10.5",
    )
    assert manifest.dags == (
        ExpectedDag(
            "etl",
            schedule="0 3 * * *",
            tags=("release:1234567", "fixed"),
            owners=("data-eng",),
            tasks=("data.load",),
            description="deployed by data",
        ),
    )
    assert manifest.inventory == InventoryRule("fail", ("data_*",))
    assert manifest.variables == ("data/bucket",)
    assert manifest.connections == (ExpectedConnection("data"), ExpectedConnection("data_2", "postgres"))
    assert manifest.pools == (ExpectedPool("data"), ExpectedPool("data_2"))
    assert manifest.warnings == "fail"
    assert manifest.mwaa == EnvironmentRule(airflow_version="2.10.5", plugins_s3_object_version="1234567")


def test_a_release_marker_that_is_empty_or_ends_a_line_is_told():
    assert problems("dags: [{dag_id: a, tags: ['${SHA}']}]", SHA="") == (
        (
            "line 2: dags[0].tags[0]: is the value of ${SHA}, which is empty; "
            "it must be a tag: 1 to 100 characters on one line, without spaces around them"
        ),
    )
    assert len(problems("dags: [{dag_id: a, tags: ['release:${SHA}']}]", SHA="123\n")) == 1


def test_a_schedule_of_a_variable_may_be_none():
    assert load("dags: [{dag_id: a, schedule: '${CRON}'}]", CRON="none").dags[0].schedule == "none"


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
        "inventory: {unexpected: '${TOKEN}', allow: ['${TOKEN}']}",
        "dags: [{dag_id: a, schedule: '${TOKEN}', tags: ['${TOKEN}'], tasks: ['${TOKEN}']}]",
        "dags: [{dag_id: a, max_active_runs: '${TOKEN}', owners: '${TOKEN}'}]",
        "variables: ['${TOKEN}']",
        "connections: ['${TOKEN}', {conn_id: '${TOKEN}'}]",
        "pools: [{name: '${TOKEN}', min_slots: '${TOKEN}'}]",
        "warnings: '${TOKEN}'",
        "mwaa: {airflow_version: '${TOKEN}', plugins_s3_object_version: '${TOKEN}'}",
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


@pytest.mark.parametrize(
    "text",
    [
        "environment: https://ann:hush@airflow.example.com/base",
        f"environment: https://ann:{'hush' * 100}@host",
        "https://ann:hush@host: 1",
        "region: [https://ann:hush@host]\ndags: [https://ann:hush@host/]",
    ],
)
def test_the_credentials_of_a_url_are_not_shown(text):
    told = " ".join(map(str, problems(text)))
    assert "hush" not in told
    assert "://***@" in told
