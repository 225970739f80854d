"""The benchmark of many DAGs itself: that it runs, measures what it says, and tells a miss."""

import gates
import pytest
import scale
from measure import aws, cost_of
from scale import QUICK, VERSIONS

WITHOUT_MUCH = 60.0
"""MB: a Python that does nothing takes a fifth of it."""


@pytest.mark.parametrize("airflow", VERSIONS)
def test_a_walk_is_measured_beside_the_plain_script(airflow, capsys):
    dags = 150
    assert all(scale.walk(airflow, dags, dags, QUICK))
    rows = {line.split(":")[0]: line.split() for line in capsys.readouterr().out.splitlines()}
    assert set(rows) == {"calls", "seconds", "CPU seconds", "peak MB", "throttled"}
    ours, plain = (int(rows["calls"][position]) for position in (6, 7))
    # Health, a page or two, import errors; the gate also asks for the environment, its role and the warnings.
    pages = 1 if airflow == "3.0.6" else 2
    assert (ours, plain) == (5 + pages, 4)


def test_a_target_that_is_missed_is_told(monkeypatch, capsys):
    monkeypatch.setattr(scale, "MEMORY", 1.0)
    assert not all(scale.walk("3.0.6", 20, 20, QUICK))
    missed = [line for line in capsys.readouterr().out.splitlines() if line.endswith("MISSED")]
    assert len(missed) == 1
    assert missed[0].startswith("peak MB")


def test_a_miss_makes_the_exit_code_1(monkeypatch):
    for name in ("endpoint_itself", "walk", "rounds", "evaluation", "reports", "at_once"):
        monkeypatch.setattr(scale, name, lambda *_, **__: [True])
    monkeypatch.setattr(scale, "unlimited", lambda *_, **__: True)
    assert scale.main(QUICK) == 0
    monkeypatch.setattr(scale, "unlimited", lambda airflow, *_, **__: airflow != "3.3.2")
    assert scale.main(QUICK) == 1


def test_a_child_is_not_charged_with_the_memory_of_the_benchmark():
    held = bytearray(200_000_000)  # written to, so that it is there
    with scale.far(1, "3.0.6", limit=0, delay=0) as sandbox:
        cost = cost_of([scale.sys.executable, "-I", "-S", "-c", "pass"], aws(sandbox))
    assert len(held) > cost.memory * 1e6
    assert 1.0 < cost.memory < WITHOUT_MUCH


def test_the_delay_is_each_calls_own_and_the_limit_is_everybodys():
    assert all(scale.endpoint_itself(QUICK))
    with scale.far(1, "3.0.6", limit=2, delay=0) as sandbox:
        body = b'{"Path": "/monitor/health", "Method": "GET"}'
        answers = [sandbox.answer("POST", "/restapi/sandbox", body)[0].status for _ in range(4)]
    assert answers.count(200) >= 2
    assert sandbox.counts["ThrottlingException"] == answers.count(429) >= 1


def test_gates_on_one_limit_each_come_to_their_own_verdict():
    assert all(gates.at_once(0.02, 10, dags=20, gates=4, pace=gates.QUICK))


@pytest.mark.parametrize(
    ("number", "code", "reds", "right"),
    [
        (0, 0, [], True),
        (0, 3, [], False),
        (0, 1, [("own_1", "dag-import-error")], False),
        (gates.BROKEN, 1, [("own_1", "dag-import-error")], True),
        (gates.BROKEN, 1, [("own_1", "dag-missing")], False),
        (gates.BROKEN, 0, [], False),
    ],
)
def test_a_gates_verdict_is_right_for_the_right_reason_only(number, code, reds, right):
    told = {"checks": [{"status": "failed", "subject": name, "reason": reason} for name, reason in reds]}
    assert gates._is_right(number, code, told) is right
