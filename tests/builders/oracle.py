"""An oracle: what must be true of one round before it may be green, written from the design and not from the checks.

It is handed the plain facts of a round and asks the questions of DESIGN section 5 one by one. It is no second gate:
it knows neither reasons nor patience, only whether everything holds.
"""

from fnmatch import fnmatchcase

from validator.airflow.models import Unread

TOLERANCE = 10.0
"""Seconds that a clock of Airflow's may be ahead of its web server's."""


def seconds(moment, zero):
    return (moment - zero).total_seconds()


def same_file(one, other):
    """Whether two names are one file's: absolute names decide, else relative ones within a bundle."""
    if one.absolute and other.absolute:
        return one.absolute == other.absolute
    if one.relative and other.relative:
        return one.relative == other.relative and (
            one.bundle == other.bundle or None in (one.bundle, other.bundle)
        )
    return False


def path_of(file, root):
    """The file's name in the DAGs folder."""
    return file.relative or (file.absolute or "").removeprefix(f"{root}/")


def unread_of(manifest, seen):
    """What was needed and could not be read, or not wholly."""
    found = []
    if isinstance(seen.health, Unread):
        found.append("health")
    if seen.dags.unread is not None:
        found.append("dags")
    if not seen.dags.whole and (manifest.absent or manifest.patterns):
        found.append("whole list")
    if seen.import_errors.unread is not None or not seen.import_errors.whole:
        found.append("import errors")
    if (manifest.import_errors.scope == "all" or manifest.absent) and seen.reads_all is not True:
        found.append("role")
    if manifest.patterns and seen.import_errors.rows and isinstance(seen.gone, Unread):
        found.append("gone")
    return found


def sick_of(manifest, seen):
    """Components that are not proven to live."""
    rule = manifest.health
    vital = {"metadatabase", "scheduler"} | ({"dag_processor"} if seen.version.major >= 3 else set())
    sick = []
    for name in vital | set(rule.require) | set(seen.health):
        one = seen.health.get(name)
        if one is None or one.status is None:
            if name in vital or name in rule.require:
                sick.append(name)
            continue
        if name in rule.ignore and name not in vital:
            continue
        alive = one.status == "healthy"
        if alive and name != "metadatabase":
            alive = one.heartbeat is not None
        if alive and one.heartbeat is not None:
            alive = -TOLERANCE <= seconds(seen.ended, one.heartbeat) <= rule.max_heartbeat_age
        if not alive:
            sick.append(name)
    return sick


def dag_holds(dag_id, seen, deployed_at, rules, *, root, file=None, paused=None):
    """Whether one DAG is listed, sound, fresh and settled, from its file and paused as expected."""
    rows = [row for row in seen.dags.rows if row.dag_id == dag_id and row.active]
    if not rows:
        return False
    row, errors = rows[-1], seen.import_errors.rows
    return (
        not row.has_import_errors
        and not any(same_file(row.file, one.file) for one in errors)
        and (file is None or path_of(row.file, root) == file)
        and (file is None or not any(path_of(one.file, root) == file for one in errors))
        and row.last_parsed is not None
        and seconds(row.last_parsed, deployed_at) >= rules.sync + rules.settle
        and seconds(row.last_parsed, seen.ended) <= TOLERANCE
        and (paused is None or row.paused is paused)
    )


def broken_matches(manifest, seen):
    """DAGs that a pattern matches and an import error took off the list (Airflow 3)."""
    gone = seen.gone if isinstance(seen.gone, dict) else {}
    return [
        dag_id
        for dag_id, row in gone.items()
        if row.has_import_errors
        and dag_id not in manifest.absent
        and any(fnmatchcase(dag_id, pattern.pattern) for pattern in manifest.patterns)
        and any(same_file(row.file, error.file) for error in seen.import_errors.rows)
        and not any(other.dag_id == dag_id and other.active for other in seen.dags.rows)
    ]


def dags_not_held(manifest, seen, deployed_at, rules, root):
    """Expected DAGs, and patterns, that do not hold."""
    bad = [
        f"dag: {one.dag_id}"
        for one in manifest.dags
        if not dag_holds(one.dag_id, seen, deployed_at, rules, root=root, file=one.file, paused=one.paused)
    ]
    ids = {row.dag_id for row in seen.dags.rows if row.active} - set(manifest.absent)
    for pattern in manifest.patterns:
        matches = [dag_id for dag_id in ids if fnmatchcase(dag_id, pattern.pattern)]
        held = [one for one in matches if dag_holds(one, seen, deployed_at, rules, root=root)]
        if len(held) < len(matches) or len(held) < pattern.minimum:
            bad.append(f"pattern: {pattern.pattern}")
    return bad + [f"broken match: {dag_id}" for dag_id in broken_matches(manifest, seen)]


def parsed_since(seen, deployed_at, seconds_after):
    """Whether every sound DAG on the list was parsed so long after the deploy."""
    sound = [row.last_parsed for row in seen.dags.rows if row.active and not row.has_import_errors]
    return all(parsed is not None and seconds(parsed, deployed_at) >= seconds_after for parsed in sound)


def not_absent(manifest, seen, deployed_at, rules):
    """What should be gone, and is not proven to be gone for good."""
    listed = {row.dag_id for row in seen.dags.rows if row.active}
    for_good = (
        parsed_since(seen, deployed_at, rules.sync)
        and seconds(seen.began, deployed_at) >= rules.sync + rules.settle
    )
    return [f"absent: {dag_id}" for dag_id in manifest.absent if dag_id in listed or not for_good]


def errors_not_allowed(manifest, seen, deployed_at, rules, root):
    """With `scope: all`, import errors that are neither allowed nor proven to be leftovers."""
    if manifest.import_errors.scope != "all":
        return []
    any_sound = any(row.active and not row.has_import_errors for row in seen.dags.rows)
    settled = any_sound and seen.dags.whole and parsed_since(seen, deployed_at, rules.sync + rules.settle)
    bad = []
    for error in seen.import_errors.rows:
        path = path_of(error.file, root)
        stamped = error.stamp is not None and seconds(error.stamp, deployed_at) >= rules.sync
        if (stamped or not settled) and not any(
            fnmatchcase(path, one) for one in manifest.import_errors.allow
        ):
            bad.append(f"import error: {path}")
    return bad


def not_held(manifest, seen, deployed_at, rules, root):
    """What one round does not show to hold; empty: it may be green."""
    unread = [f"unread: {name}" for name in unread_of(manifest, seen)]
    return unread or [
        *(f"sick: {name}" for name in sick_of(manifest, seen)),
        *dags_not_held(manifest, seen, deployed_at, rules, root),
        *not_absent(manifest, seen, deployed_at, rules),
        *errors_not_allowed(manifest, seen, deployed_at, rules, root),
    ]
