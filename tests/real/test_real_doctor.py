"""What the doctor says of a real Airflow: through MWAA's wire format and by its URL, as several roles."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time

import pytest
from airflow_server import _JWT_SECRET
from gate import COMMAND, clean_environment
from install import PASSWORD

pytestmark = pytest.mark.airflow

READS = ("tasks", "sources", "pools", "warnings", "variables", "connections")


def run(stage, word, *options, variables):
    """The exit code of `mwaa-gate doctor`, and its lines by id."""
    folder = stage.folder / word
    folder.mkdir(parents=True)
    environment = clean_environment(folder, variables)
    process = stage.children.start([str(COMMAND), "doctor", "--json", *options], environment, folder)
    try:
        code = process.wait(timeout=120)
    finally:
        stage.children.end(process)
    out, err = (folder / "stdout").read_text(), (folder / "stderr").read_text()
    assert code in (0, 1), f"{word}: exit {code}\n{out}\n{err}"
    told = json.loads(out)
    assert told["exit_code"] == code
    return {line["id"]: line for line in told["lines"]}


def through_mwaa(stage, word):
    variables = {
        "AWS_ENDPOINT_URL_MWAA": stage.sandbox.url,
        "AWS_ENDPOINT_URL_STS": "http://127.0.0.1:9",  # nobody listens
        "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    return run(stage, word, "--env", "sandbox", variables=variables)


def by_url(stage, word, credentials):
    return run(stage, word, "--airflow-url", stage.airflow.url, variables=credentials)


def resigned(token, role):
    """A token of Airflow 3 for another role, signed anew: the tests know Airflow's secret."""
    header, claims, _ = token.split(".")
    claims = json.dumps({**json.loads(base64.urlsafe_b64decode(claims + "==")), "role": role})
    signed = f"{header}.{base64url(claims.encode())}"
    return f"{signed}.{base64url(hmac.digest(_JWT_SECRET.encode(), signed.encode(), hashlib.sha512))}"


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def somebody(stage, role):
    """The credentials of somebody with that role: a new user of Airflow 2, a new token of Airflow 3."""
    if stage.airflow.is_3:
        return {"MWAA_GATE_AIRFLOW_TOKEN": resigned(stage.airflow.token(), role.lower())}
    name = f"{role.lower()}{time.monotonic_ns()}"
    who = {"username": name, "password": PASSWORD, "email": f"{name}@example.org"}
    stage.airflow.call(
        "POST", "/users", {**who, "first_name": "Gate", "last_name": "Gate", "roles": [{"name": role}]}
    )
    return {"MWAA_GATE_AIRFLOW_USER": name, "MWAA_GATE_AIRFLOW_PASSWORD": PASSWORD}


def team(stage):
    """A new role of Airflow 2 that may read no DAG yet; the name of it."""
    name = f"team{time.monotonic_ns()}"
    resources = ["ImportError", "DAG Code", "DAG Warnings", "Task Instances"]
    actions = [{"action": {"name": "can_read"}, "resource": {"name": each}} for each in resources]
    stage.airflow.call("POST", "/roles", {"name": name, "actions": actions})
    return name


def problems(lines):
    """Without health: Airflow 3.0 calls its live DAG processor unhealthy for a second now and then."""
    return {id_ for id_, line in lines.items() if line["status"] == "problem"} - {"health"}


def allowed(lines):
    return {each for each in READS if lines[f"reads-{each}"]["details"].get("allowed")}


@pytest.mark.early
def test_doctor_tells_what_is_there_and_which_role_it_is(stage):
    stage.put("dag.py", stage.dag("dag", options="is_paused_upon_creation=False"))
    stage.wait_for("dag")

    admin = through_mwaa(stage, "mwaa-admin")
    assert problems(admin) == set(), admin
    assert admin["caller"]["status"] == "warning"
    assert admin["version"]["details"]["airflow_version"] == stage.airflow.version
    assert admin["role"]["details"]["role"] == "Op or Admin"
    assert admin["round"]["details"]["calls"] >= 3
    assert abs(admin["clock"]["details"]["skew_s"]) < 5
    stage.note(f"pace: {admin['pace']['message']}")
    if stage.airflow.is_3:
        assert allowed(admin) == set(READS)
    else:
        assert allowed(admin) == set(READS) - {"sources"}
        assert "64 characters" in admin["reads-sources"]["message"]

    known = by_url(stage, "url-admin", stage.airflow.credentials)
    assert problems(known) == set(), known
    assert known["login"]["status"] == "ok"
    assert allowed(known) == set(READS), "also sources of Airflow 2: no path is too long here"

    viewer = by_url(stage, "url-viewer", stage.airflow.viewer_credentials())
    assert problems(viewer) == set(), viewer
    assert viewer["role"]["details"]["role"] == "Viewer or User"
    assert allowed(viewer) == set(READS) - {"variables", "connections"}

    wrong = {"MWAA_GATE_AIRFLOW_TOKEN": "no-token-of-ours"}
    stranger = by_url(stage, "url-stranger", wrong)
    assert problems(stranger) >= {"login"}
    assert stranger["health"]["status"] != "skipped", "health needs no login"

    nobody = by_url(stage, "url-nobody", {})
    assert nobody["login"]["details"]["credentials"] == "nobody"
    assert nobody["login"]["status"] == "problem"


@pytest.mark.early
def test_doctor_tells_the_other_roles(stage):
    options = ""
    roles = {"Op": ("Op or Admin", "ok"), "User": ("Viewer or User", "ok")}
    if not stage.airflow.is_3:  # the others are the FAB auth manager's
        roles["Public"] = ("Public, or a custom role that may read no DAGs", "problem")
        name = team(stage)
        roles[name] = ("a custom role", "warning")
        options = f'access_control={{"{name}": {{"can_read"}}}}'
    stage.put("dag.py", stage.dag("dag", options=options))
    stage.put("other.py", stage.dag("other"))
    stage.wait_for("dag", "other")
    for role, (told, status) in roles.items():
        lines = by_url(stage, f"url-{role}", somebody(stage, role))
        assert lines["login"]["status"] == "ok", f"{role}: {lines['login']}"
        assert (lines["role"]["details"]["role"], lines["role"]["status"]) == (told, status), role
