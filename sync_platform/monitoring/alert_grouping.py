"""Groups the problems of a round by cause, and joins causes where there are too many for one message each.

What belongs here: which problems of a round are one alert.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from sync_platform.monitoring.problem import Problem, ProblemName

MOST_CAUSES = 20
"""The most causes of one name that have alerts of their own; the others are one alert."""
OTHERS = "others"
"""The detail of the alert of all other causes."""
LONGEST_DETAIL = 200


@dataclass(frozen=True)
class ProblemGroup:
    """The problems of a round with one cause. `problem`: the first, with all subjects. `count`: how many there are."""

    problem: Problem
    count: int


def groups_of(problems: Iterable[Problem], known_causes: Collection[str]) -> dict[str, ProblemGroup]:
    """The groups by cause. Causes that have an open alert keep it, also in a flood of other causes."""
    by_name: dict[ProblemName, dict[str, list[Problem]]] = {}
    for problem in map(_with_short_detail, problems):
        by_name.setdefault(problem.name, {}).setdefault(problem.cause, []).append(problem)
    groups = (_group(each) for causes in by_name.values() for each in _bounded(causes, known_causes))
    return {group.problem.cause: group for group in groups}


def _bounded(causes: dict[str, list[Problem]], known: Collection[str]) -> Iterator[list[Problem]]:
    """The problems of each cause of one name, known causes first; those beyond MOST_CAUSES together."""
    ordered = sorted(causes, key=lambda cause: cause not in known)
    if len(ordered) <= MOST_CAUSES:
        yield from causes.values()
        return
    yield from (causes[cause] for cause in ordered[:MOST_CAUSES])
    rest = [problem for cause in ordered[MOST_CAUSES:] for problem in causes[cause]]
    what = f"{len(ordered) - MOST_CAUSES:,} more causes of {rest[0].name}, such as: {rest[0].what}"
    yield [replace(problem, detail=OTHERS, what=what) for problem in rest]


def _with_short_detail(problem: Problem) -> Problem:
    """The problem; a long detail, such as a whole error, is replaced by its beginning and its digest."""
    if len(problem.detail) <= LONGEST_DETAIL:
        return problem
    digest = hashlib.sha256(problem.detail.encode()).hexdigest()[:12]
    return replace(problem, detail=f"{problem.detail[: LONGEST_DETAIL - 13]} {digest}")


def _group(problems: Sequence[Problem]) -> ProblemGroup:
    subjects = dict.fromkeys(subject for problem in problems for subject in problem.subjects)
    return ProblemGroup(replace(problems[0], subjects=tuple(subjects)), len(problems))
