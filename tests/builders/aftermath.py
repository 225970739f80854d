"""What must be true however the command was ended: of its reports, its exit code, its words and its Airflow."""

from __future__ import annotations

import signal

import told

NAMES = {"json": "r.json", "junit": "r.xml", "markdown": "r.md", "html": "r.html"}
"""The files of the reports, by format."""
SIGNALS = {"SIGINT": signal.SIGINT, "SIGTERM": signal.SIGTERM, "SIGKILL": signal.SIGKILL}
BEFORE = b"what was there before\n"
"""What is in a report's file where one is there already."""


def judge(life, stage, blow):
    """Hold the end of a life against the rules."""
    reports = _reports(life, stage)
    said = life.complaints.append
    if life.code is None:
        said("it did not end")
        return
    _judge_words(life, said)
    _judge_code(life, stage, blow, reports, said)
    left = [path.name for path in stage.folder.iterdir() if path.name.endswith(".tmp")]
    if left and life.strike.kind != "SIGKILL":
        said(f"left behind: {left}")
    if life.strike.kind == "SIGKILL" and life.was_hit and life.strike.smoke is not None:
        _finish(life, stage, said)
    _judge_airflow(life, stage, said)


def _reports(life, stage):
    """What the new reports say, by format; one that is neither whole nor as it was is a complaint."""
    found = {}
    for name, file in NAMES.items():
        path = stage.folder / file
        data = path.read_bytes() if path.exists() else None
        if data == (BEFORE if life.strike.there else None):
            continue
        if data is None:
            if life.code == 3 and life.strike.kind in ("full disk", "full tmpfs"):
                continue  # a green that took its place was taken away when another report could not be written
            life.complaints.append(f"{file} was there before, and is gone")
            continue
        try:
            found[name] = told.read(name, data)
        except AssertionError as error:
            life.complaints.append(str(error))
    for name, one in found.items():
        if one != next(iter(found.values())):
            life.complaints.append(f"{name} says {one}, and another report {next(iter(found.values()))}")
    return found


def _judge_words(life, said):
    if "Traceback" in life.err or "Exception ignored" in life.err or "mistake in mwaa-gate" in life.err:
        early = life.strike.kind == "SIGINT" and life.calls == 0 and "/validator/" not in life.err
        if not early:  # Python's own, before any line of the gate has run
            said("a traceback")


def _natural(strike):
    """The exit codes where nothing goes wrong: on a busy machine a red may not be seen often enough in its short time."""
    if strike.truth != "green":
        return {1, 3}
    return {1} if strike.smoke is not None and strike.smoke.task != "passes" else {0}


def _before_the_gate(number, life):
    """Then the signal does what it always does; in the middle of Python's own start that ends with its own code."""
    return {-number, 1} if "Fatal Python error" in life.err else {-number}


def _judge_code(life, stage, blow, reports, said):
    strike, code = life.strike, life.code
    number = SIGNALS.get(strike.kind)
    allowed = _natural(strike)
    if life.was_hit and number == signal.SIGKILL:
        allowed.add(-number)
    elif life.was_hit and number is not None:
        allowed.add(128 + number)
        if life.calls == 0:
            allowed |= _before_the_gate(number, life)
    elif life.was_hit and strike.kind in ("read-only", "full disk", "full tmpfs"):
        allowed |= {2, 3}
    if code not in allowed:
        said(f"exit code {code}, and none of {sorted(allowed)}")
    if code == 0:
        if set(reports) != set(NAMES):
            said(f"exit code 0, and only {sorted(reports)} were written")
        if blow.before is not None and blow.before != stage.snapshot():
            after = stage.snapshot()
            late = [str(name) for name in after if after[name] != blow.before.get(name)]
            said(f"exit code 0, and {late} came after the signal")
    if code in (0, 1, 3) or code > 128:
        _judge_agreement(life, stage, reports, said)


def _judge_agreement(life, stage, reports, said):
    """Whatever was told tells the same."""
    missing = set(NAMES) - set(reports)
    for name, one in reports.items():
        if one.exit_code != life.code:
            said(f"{name} tells of exit code {one.exit_code}")
    if life.code > 128 and missing and (reports or life.calls > 0):
        said(f"interrupted during the wait, and {sorted(missing)} do not say so")
    try:
        values = told.outputs_of((stage.told / "output").read_text())
    except AssertionError as error:
        said(f"GITHUB_OUTPUT is broken: {error}")
        return
    word = {0: "passed", 1: "failed"}.get(life.code, "error")
    if values.get("verdict", word) != word:
        said(f"GitHub is told {values['verdict']}")


def _finish(life, stage, said):
    """Run the command again, with the same key."""
    stage.on_call = None
    stage.start()
    code, out, err = stage.end()
    if code not in _natural(life.strike):
        said(f"run again it ended with {code}")
    life.out += f"\n-- again --\n{out}"
    life.err += f"\n-- again --\n{err}"


def _judge_airflow(life, stage, said):
    smoke = life.strike.smoke
    with stage.simulation.lock:
        stage.world.advance()
        runs = [run.run_id for run in stage.world.runs.of("smoked")]
        is_paused = stage.world.metadata.dags["smoked"].paused
    if len(stage.made) > 1:
        said(f"it started {sorted(stage.made)}")
    if smoke is None:
        if runs:
            said(f"it has left {runs}, and no smoke run was wanted")
        return
    failed = smoke.task != "passes" and life.code in (1, -signal.SIGKILL)
    if runs and not (smoke.keep == "always" or (smoke.keep == "on-failure" and failed)):
        said(f"it has left {runs} against keep: {smoke.keep}")
    # Known, and told in docs/manifest.md: nobody knows any more that it was paused before the gate was killed.
    if is_paused != smoke.unpause and not (life.strike.kind == "SIGKILL" and life.was_hit):
        said("it has left the DAG unpaused")
