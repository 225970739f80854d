"""Small programs as people write them against `invoke_rest_api`: variables, DAG runs, events.

They know nothing of what answers: a simulation, a real Airflow behind the sandbox, or MWAA.
"""

from __future__ import annotations

import time

import boto3
import botocore.config


class Environment:
    """One MWAA environment, through boto3."""

    def __init__(self, endpoint, name="sandbox"):
        session = boto3.session.Session("testing", "testing", region_name="us-east-1")
        config = botocore.config.Config(
            inject_host_prefix=False, retries={"total_max_attempts": 1}, read_timeout=15
        )
        self._mwaa = session.client("mwaa", endpoint_url=endpoint, config=config)
        self._name = name
        self.is_3 = self.call("GET", "/version")["version"].startswith("3.")

    def call(self, method, path, body=None, **query):
        """Airflow's answer; None where there is no body."""
        asked = {"Name": self._name, "Path": path, "Method": method}
        if body is not None:
            asked["Body"] = body
        if query:
            asked["QueryParameters"] = query
        return self._mwaa.invoke_rest_api(**asked).get("RestApiResponse")

    def status_of(self, method, path, body=None, **query):
        """Airflow's status for a call that it refuses."""
        try:
            self.call(method, path, body, **query)
        except self._mwaa.exceptions.RestApiClientException as error:
            return error.response["RestApiStatusCode"]
        raise AssertionError(f"{method} {path} is not refused")

    def close(self):
        self._mwaa.close()


class Variables:
    """Keeps settings in Airflow."""

    def __init__(self, environment):
        self._environment = environment

    def create(self, key, value, description):
        self._environment.call("POST", "/variables", {"key": key, "value": value, "description": description})

    def keys(self):
        return [one["key"] for one in self._environment.call("GET", "/variables", limit=100)["variables"]]

    def get(self, key):
        one = self._environment.call("GET", f"/variables/{key}")
        return one["value"], one["description"]

    def set(self, key, value):
        self._environment.call("PATCH", f"/variables/{key}", {"key": key, "value": value})

    def describe(self, key, description):
        """Change the description alone: the value that goes with it is ignored."""
        body = {"key": key, "value": "not this one", "description": description}
        self._environment.call("PATCH", f"/variables/{key}", body, update_mask="description")

    def delete(self, key):
        return self._environment.call("DELETE", f"/variables/{key}")

    def is_missing(self, key):
        return self._environment.status_of("GET", f"/variables/{key}") == 404


class Runs:
    """Triggers DAGs and waits for them."""

    def __init__(self, environment):
        self._environment = environment

    def trigger(self, dag_id, run_id, conf):
        body = {"dag_run_id": run_id, "conf": conf}
        if self._environment.is_3:
            body["logical_date"] = None
        return self._environment.call("POST", f"/dags/{dag_id}/dagRuns", body)

    def wait(self, dag_id, run_id, seconds):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            asked = {"dag_ids": [dag_id], "order_by": "-start_date", "page_limit": 50}
            found = self._environment.call("POST", "/dags/~/dagRuns/list", asked)["dag_runs"]
            for run in found:
                if run["dag_run_id"] == run_id and run["state"] in ("success", "failed"):
                    return run["state"]
            time.sleep(0.2)
        raise AssertionError(f"{run_id} of {dag_id} has no end after {seconds} s")

    def tasks(self, dag_id, run_id):
        asked = {"dag_ids": [dag_id], "dag_run_ids": [run_id]}
        found = self._environment.call("POST", "/dags/~/dagRuns/~/taskInstances/list", asked)
        return {one["task_id"]: one["state"] for one in found["task_instances"]}

    def triggered(self, dag_id, seconds):
        """The one run of a DAG, once it has ended."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = self._environment.call("POST", "/dags/~/dagRuns/list", {"dag_ids": [dag_id]})["dag_runs"]
            if found and found[0]["state"] in ("success", "failed"):
                return found[0]
            time.sleep(0.2)
        raise AssertionError(f"{dag_id} has not run after {seconds} s")

    def delete(self, dag_id, run_id):
        return self._environment.call("DELETE", f"/dags/{dag_id}/dagRuns/{run_id}")


class Events:
    """Tells Airflow that data has come."""

    def __init__(self, environment):
        self._environment = environment

    def send(self, uri, extra):
        if not self._environment.is_3:
            return self._environment.call("POST", "/datasets/events", {"dataset_uri": uri, "extra": extra})
        found = self._environment.call("GET", "/assets", uri_pattern=uri)["assets"]
        (asset_id,) = (one["id"] for one in found if one["uri"] == uri)
        return self._environment.call("POST", "/assets/events", {"asset_id": asset_id, "extra": extra})


def use_variables(environment, key):
    """Make, list, read, change and delete one variable."""
    variables = Variables(environment)
    variables.create(key, "one", "first")
    assert variables.get(key) == ("one", "first")
    assert key in variables.keys()  # noqa: SIM118 - no dictionary's
    variables.set(key, "two")
    assert variables.get(key) == ("two", "first")
    variables.describe(key, "second")
    assert variables.get(key) == ("two", "second")
    assert variables.delete(key) is None
    assert variables.is_missing(key)


def use_runs(environment, good, bad, seconds):
    """Run a DAG that succeeds and one whose second task fails, and remove both runs."""
    runs = Runs(environment)
    assert runs.trigger(good, "c-1", {"probe": True})["conf"] == {"probe": True}
    runs.trigger(bad, "c-1", {})
    assert environment.status_of("POST", f"/dags/{good}/dagRuns", _again(environment)) == 409
    assert runs.wait(good, "c-1", seconds) == "success"
    assert runs.wait(bad, "c-1", seconds) == "failed"
    assert set(runs.tasks(good, "c-1").values()) == {"success"}
    assert runs.tasks(bad, "c-1") == {"first": "success", "boom": "failed", "after": "upstream_failed"}
    for dag_id in (good, bad):
        assert runs.delete(dag_id, "c-1") is None
        assert environment.status_of("GET", f"/dags/{dag_id}/dagRuns/c-1") == 404


def use_events(environment, uri, consumer, seconds):
    """Send an event and see its consumer run."""
    sent = Events(environment).send(uri, {"file": "probe.csv"})
    assert sent["extra"]["file"] == "probe.csv"
    run = Runs(environment).triggered(consumer, seconds)
    assert run["state"] == "success"
    assert run["run_type"] == ("asset_triggered" if environment.is_3 else "dataset_triggered")


def _again(environment):
    return {"dag_run_id": "c-1", **({"logical_date": None} if environment.is_3 else {})}
