"""What a verdict rests on without proof, in sentences for its report. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from validator.airflow.dialect import AIRFLOW_3
from validator.airflow.models import Unread
from validator.durations import format_duration
from validator.rules import Deploy
from validator.timing import scan_interval_of, settle_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from validator.airflow.models import Observation
    from validator.expectations import Expectations
    from validator.gate import Outcome
    from validator.manifest.model import Manifest
    from validator.rules import Rules


def assumptions(expectations: Expectations, rules: Rules, outcome: Outcome) -> tuple[str, ...]:
    """What the verdict of a wait rests on. Says nothing of what was never seen."""
    seen = outcome.seen
    if seen is None or not outcome.state.answered:
        return ()
    manifest = expectations.of(seen).manifest
    compared = sum(1 for track in outcome.state.sources.values() if track.equal_since is not None)
    return (
        *_of_the_deploy(rules, outcome, seen, compared),
        *_of_the_files(outcome, seen, compared),
        *_of_what_is_seen(manifest, seen),
        "The environment did not begin to change, and its clocks agreed within 10 s, while the gate waited.",
        "/health shows one job of a kind: of two schedulers, one that is dead does not show.",
        "The workers' own copies of the files were not looked at; only a DAG run proves them.",
    )


def _of_the_deploy(rules: Rules, outcome: Outcome, seen: Observation, compared: int) -> Iterator[str]:
    deployed_at = outcome.state.deployed_at
    if deployed_at is None:
        yield (
            "No deploy was named (--deployed-at none): what is proven is only that each DAG was parsed within the "
            "last 10 minutes, not which version."
        )
        return
    when = f"{deployed_at:%Y-%m-%d %H:%M:%S} UTC"
    source = (
        "the server's time at the gate's first answer"
        if rules.deployed_at is Deploy.NOW
        else "as given by --deployed-at, on the server's clock"
    )
    slower = "shows only in the texts that were compared" if compared else "is not seen"
    yield f"The deploy had ended at {when} ({source})."
    yield (
        f"Every file reached every DAG processor within {format_duration(rules.sync)} of that, and no parse that "
        f"had read the old ones was still under way (sync); a slower sync {slower}."
    )
    yield (
        f"The scheduler runs what was parsed {format_duration(settle_of(rules, seen))} after that or later "
        "(settle: core.min_serialized_dag_update_interval)."
    )


def _of_the_files(outcome: Outcome, seen: Observation, compared: int) -> Iterator[str]:
    if outcome.view is not None and outcome.view.times.arrivals:
        yield (
            "Each DAG counts from its own file's time in S3, or the newest helper's: S3 does not show files that were "
            "deleted, or brought back by deleting a newer version."
        )
    if compared:
        yield (
            f"Airflow's text of {compared} local files was seen to be theirs: that is their own bytes, not those of what "
            "they import, nor of a deploy that came after it was seen."
        )
    if compared and seen.version is not None and seen.version.major < AIRFLOW_3:
        yield (
            "Files are deployed with modification times that do not go back: Airflow 2 does not store the text anew of a "
            "file that looks older than its last look."
        )


def _of_what_is_seen(manifest: Manifest, seen: Observation) -> Iterator[str]:
    if manifest.dags or manifest.patterns:
        yield (
            "That only one file defines each DAG was watched, not proven: of two that are parsed in the same instant "
            "only one ever shows."
        )
    if isinstance(seen.reads_all, Unread):
        yield "Whether the Airflow role may read every DAG could not be found out."
    elif not seen.reads_all:
        yield "The Airflow role may not read every DAG: DAGs and import errors that it may not see were not judged."
    if isinstance(seen.environment, Unread):
        yield "GetEnvironment could not be read: Airflow's defaults are assumed for intervals, .airflowignore, safe mode."
    if seen.environment is None:
        yield (
            "This is no MWAA environment, and does not tell its settings: Airflow's defaults are assumed for intervals, "
            ".airflowignore, safe mode."
        )
    scan_matters = manifest.import_errors.scope == "all" or manifest.inventory.unexpected == "fail"
    if manifest.absent or manifest.patterns or scan_matters:
        yield (
            f"A new file is found only at the next directory scan, every {format_duration(scan_interval_of(seen))}: what "
            "it brings (a DAG that should be absent, a match of a pattern, an import error) may come later."
        )
