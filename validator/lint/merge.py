"""What several Airflows would say, as one: what holds for all of them, and what for one only. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from validator.lint.codes import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from validator.lint.model import Problem


class Judged(NamedTuple):
    """A problem as one Airflow's rules show it."""

    about: tuple[str, ...]
    """What it is about: the same for every Airflow, and no other's."""
    problem: Problem


def merged(judged: Mapping[int, Iterable[Judged]]) -> list[Problem]:
    """The problems by the rules of each major version, told once each.

    A problem that all of them show is as bad as the mildest says. One that only some show is a warning at most.
    """
    found: dict[tuple[str, ...], dict[int, Problem]] = {}
    for version, each in judged.items():
        for about, problem in each:
            found.setdefault(about, {})[version] = problem
    return [_one(by_version, set(judged)) for by_version in found.values()]


def _one(by_version: Mapping[int, Problem], versions: set[int]) -> Problem:
    problems = [by_version[version] for version in sorted(by_version, reverse=True)]
    mildest = max((problem.severity for problem in problems), key=lambda severity: severity.rank)
    said = {problem.message for problem in problems}
    problem = problems[0]
    if len(by_version) < len(versions):
        told = [f"Airflow {version}" for version in sorted(by_version)]
        mildest = max(mildest, Severity.WARNING, key=lambda severity: severity.rank)
        advice = f"{problem.advice} If this Airflow is not meant, say which one is: --airflow, or mwaa.airflow_version."
        problem = replace(
            problem, message=f"on {' and '.join(told)} only: {problem.message}", advice=advice.strip()
        )
    elif len(said) > 1:
        texts = [f"on Airflow {version}: {by_version[version].message}" for version in sorted(by_version)]
        problem = replace(problem, message="; ".join(texts))
    return replace(problem, severity=mildest)
