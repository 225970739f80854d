"""Who calls a plain Airflow URL: from variables or a file, one of them, whole, and never quoted."""

from __future__ import annotations

import json
import os
import threading

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from validator.errors import UsageError
from validator.transport.airflow_auth import MAX_FILE, NO_AUTH, Auth, airflow_auth

USER, PASSWORD, TOKEN = "MWAA_GATE_AIRFLOW_USER", "MWAA_GATE_AIRFLOW_PASSWORD", "MWAA_GATE_AIRFLOW_TOKEN"
SECRET = "s3cret-value"
SENDABLE = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1)


def refused(environ, file=None):
    with pytest.raises(UsageError) as caught:
        airflow_auth(environ, file)
    return f"{caught.value.message} {caught.value.advice}"


@pytest.fixture
def file(tmp_path):
    def write(content):
        path = tmp_path / "credentials"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    return write


@pytest.mark.parametrize(
    ("environ", "auth"),
    [
        ({}, NO_AUTH),
        ({USER: "", PASSWORD: "", TOKEN: ""}, NO_AUTH),
        ({USER: "ann", PASSWORD: SECRET, TOKEN: ""}, Auth(user="ann", password=SECRET)),
        ({TOKEN: SECRET}, Auth(token=SECRET)),
    ],
)
def test_variables_say_who_calls_and_an_empty_one_says_nothing(environ, auth):
    assert airflow_auth(environ, None) == auth
    assert airflow_auth(environ, "") == auth


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({USER: SECRET}, (USER, PASSWORD)),
        ({PASSWORD: SECRET}, (USER, PASSWORD)),
        ({USER: "ann", PASSWORD: SECRET, TOKEN: SECRET}, (USER, PASSWORD, TOKEN)),
        ({PASSWORD: SECRET, TOKEN: SECRET}, (PASSWORD, TOKEN)),
        ({USER: "ann", PASSWORD: f"{SECRET}\n"}, (USER, PASSWORD)),
        ({TOKEN: f"{SECRET}\n"}, (TOKEN,)),
    ],
)
def test_variables_that_are_not_whole_or_too_many_are_refused_by_name(environ, named):
    said = refused(environ)
    assert SECRET not in said
    assert all(name in said for name in named)


@pytest.mark.parametrize(
    ("content", "auth"),
    [
        (f"user: ann\npassword: {SECRET}\n", Auth("ann", SECRET)),
        (f"# by hand\npassword: '{SECRET}' # so\nuser: \"ann\"", Auth("ann", SECRET)),
        (f'{{\n\t"user": "ann",\n\t"password": "{SECRET}"\n}}', Auth("ann", SECRET)),
        (f"{{user: ann, password: {SECRET}}}", Auth("ann", SECRET)),
        ('{"user": "ann", "password": "\\ud83d\\ude00\\/"}', Auth("ann", "😀/")),
        (f"token: {SECRET}", Auth(token=SECRET)),
        (f'\ufeff{{"token": "{SECRET}"}}\r\n', Auth(token=SECRET)),
        ("user: ann\npassword: 'yes'\n", Auth("ann", "yes")),
    ],
)
def test_a_file_is_yaml_or_json(file, content, auth):
    assert airflow_auth({}, file(content)) == auth


@pytest.mark.parametrize(
    "dump", [json.dumps, yaml.safe_dump, lambda one: yaml.safe_dump(one, allow_unicode=True)]
)
@given(SENDABLE.filter(lambda user: ":" not in user), SENDABLE)
def test_what_a_tool_writes_is_read_back(tmp_path_factory, dump, user, password):
    path = tmp_path_factory.getbasetemp() / f"written-{threading.get_ident()}"
    path.write_text(dump({"user": user, "password": password}), encoding="utf-8")
    assert airflow_auth({}, str(path)) == Auth(user, password)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "# nothing",
        "{}",
        "[]",
        SECRET,
        f"user:{SECRET}",
        f"user: {SECRET}",
        f"password: {SECRET}",
        f"user: ann\npassword: {SECRET}\ntoken: {SECRET}",
        f"user: ann\npassword: {SECRET}\nhost: x",
        f"{SECRET}: 1",
        f"token: {SECRET}\ntoken: x",
        f'{{"token": "{SECRET}", "token": "x"}}',
        f"token: [{SECRET}]",
        f"token: {{a: {SECRET}}}",
        f'[["token", "{SECRET}"]]',
        f'[{{"token": "{SECRET}"}}]',
        "user: ann\npassword: 12345",
        "user: ann\npassword: yes",
        "user: ann\npassword:",
        "user: ann\npassword: ''",
        f"user: ann\npassword: |\n  {SECRET}\n",
        f"user: a:n\npassword: {SECRET}",
        f"token: 'Bearer {SECRET}'",
        f"token: {SECRET}€",
        f"token: '{SECRET}",
        f"token: !!python/object/apply:os.system [{SECRET}]",
        f"!!str {{a: {SECRET}}}: x",
        f"? [{SECRET}]\n: x",
        f"token: &a {SECRET}\n<<: *a",
        f"token: *{SECRET}",
        f"token: {SECRET}\n---\ntoken: x",
        f"token: {SECRET}\n\t- x: [",
        "[" * 50_000,
        "{a: " * 10_000,
        f"token: {SECRET}\x00",
        b"token: s3cret-value\xff",
        "token: " + SECRET * (MAX_FILE // 5),
        '{"user": "ann", "password": "s3cret-value\\ud83d"}',
        '{"token": NaN}',
    ],
)
def test_any_other_file_is_refused_unquoted(file, content):
    path = file(content)
    said = refused({}, path)
    assert path in said
    assert SECRET not in said
    assert "12345" not in said


@given(
    st.binary(max_size=200) | st.text(st.sampled_from("user:paswordtken {}[]'\"\n\t&*<!-#|?,"), max_size=60)
)
def test_no_file_is_a_traceback(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / f"any-{threading.get_ident()}"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    try:
        auth = airflow_auth({}, str(path))
    except UsageError:
        return
    assert not auth.is_nobody


def test_a_file_that_cannot_be_read_is_refused_by_name(tmp_path):
    for path in (str(tmp_path / "gone"), str(tmp_path), "a\0b", "x" * 5000):
        assert repr(path) in refused({}, path)


def test_a_file_of_a_shell_substitution_can_be_read(tmp_path):
    path = tmp_path / "fifo"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_text, args=("token: abc",))
    writer.start()
    assert airflow_auth({}, str(path)) == Auth(token="abc")
    writer.join()


def test_a_file_beside_variables_is_ambiguous(file):
    said = refused({USER: "ann", TOKEN: SECRET}, file(f"token: {SECRET}"))
    assert USER in said
    assert TOKEN in said
    assert "--airflow-credentials" in said
    assert SECRET not in said


@pytest.mark.parametrize(
    "given",
    [
        {"user": "ann"},
        {"password": SECRET},
        {"user": "ann", "password": SECRET, "token": "x"},
        {"password": SECRET, "token": "x"},
        {"user": "a:n", "password": SECRET},
        {"user": "", "password": SECRET},
        {"user": "ann", "password": ""},
        {"user": "ann", "password": f"{SECRET}\n"},
        {"user": "ann", "password": f"{SECRET}\udcff"},
        {"token": ""},
        {"token": f"{SECRET} b"},
        {"token": f"{SECRET}\n"},
        {"token": f"{SECRET}€"},
    ],
)
def test_what_cannot_be_sent_is_refused_unshown(given):
    with pytest.raises(UsageError) as caught:
        Auth(**given)
    assert SECRET not in f"{caught.value.message} {caught.value.advice}"


@given(SENDABLE.filter(lambda user: ":" not in user), SENDABLE)
def test_what_can_be_sent_makes_a_header_of_one_line_and_an_empty_repr(user, password):
    auth = Auth(user, password)
    (header,) = auth.header().values()
    assert header.isascii()
    assert header.isprintable()
    assert repr(auth) == "Auth()"
