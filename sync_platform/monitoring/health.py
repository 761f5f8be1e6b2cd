"""The health of an installation: a score from 0 to 100, the points that are lost, and what is not known.

What belongs here: how points become scores and states. Each platform, and the installation itself, is a subject with
100 points, divided into parts. A subject's score is 100 less its lost points. The health score is the weighted mean of
the subjects' scores.

What is not known is not given: its points are lost, and it lowers the confidence, which is the share of the points that
is known. So no missing figure can raise the score.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

State = Literal["healthy", "degraded", "unhealthy"]
HEALTHY_FROM, DEGRADED_FROM = 90.0, 50.0
INSTALLATION = "installation"
INSTALLATION_SHARE = 0.3
"""The weight of the installation in the health score; the platforms share the rest."""
PRIORITY_WEIGHTS = {"high": 3.0, "medium": 2.0, "low": 1.0}
LEAST_LISTED = 0.005
"""Losses below that many points are not listed: they are not visible in a score with two decimals."""


@dataclass(frozen=True)
class Deficit:
    """Why a part does not have all of its points.

    `lost`: the share of the part's points that is lost, `unknown`: the share that is not known; 0 to 1. What is wholly
    unknown is lost too. `command`: the words of a command that shows more, without the name of the program. `common`:
    a reason that several subjects may have, such as `never synced`; then they are listed in one line, and the command
    gets all their names.
    """

    reason: str
    command: tuple[str, ...]
    lost: float
    unknown: float = 0.0
    common: str = ""


def unknown(reason: str, command: tuple[str, ...], share: float = 1.0) -> Deficit:
    """A deficit of what is not known."""
    return Deficit(reason, command, share, share)


@dataclass(frozen=True)
class HealthPart:
    """A part of a subject: the points that it has at most, and its deficits. It loses at most all of its points."""

    name: str
    points: float
    deficits: Sequence[Deficit]

    @property
    def lost(self) -> float:
        """The lost points."""
        return self.points * min(1.0, sum(deficit.lost for deficit in self.deficits))

    @property
    def unknown(self) -> float:
        """The points that are not known."""
        return self.points * min(1.0, sum(deficit.unknown for deficit in self.deficits))

    @property
    def scale(self) -> float:
        """The points of a deficit of 1: fewer than those of the part if its deficits exceed 1 together."""
        return self.points / max(1.0, sum(deficit.lost for deficit in self.deficits))


@dataclass(frozen=True)
class Subject:
    """A platform, or the installation. `priority`: that of a platform; the installation's is high."""

    name: str
    priority: str
    weight: float
    parts: Sequence[HealthPart]

    @property
    def score(self) -> float:
        return round(100.0 - sum(part.lost for part in self.parts), 2)

    @property
    def confidence(self) -> float:
        return round(1.0 - sum(part.unknown for part in self.parts) / 100.0, 4)

    @property
    def state(self) -> State:
        return _state(self.score)

    def document(self) -> dict[str, Any]:
        return {
            "score": self.score,
            "confidence": self.confidence,
            "state": self.state,
            "priority": self.priority,
            "weight": self.weight,
            "parts": [{"part": part.name, "points": part.points, "lost": round(part.lost, 2)} for part in self.parts],
        }


@dataclass(frozen=True)
class Loss:
    """Points of the health score that are lost, and why."""

    subject: str
    part: str
    points: float
    deficit: Deficit


@dataclass(frozen=True)
class Health:
    """The health of an installation: its platforms, and the installation itself."""

    platforms: Sequence[Subject]
    installation: Subject

    @property
    def subjects(self) -> list[Subject]:
        return [self.installation, *self.platforms]

    @property
    def score(self) -> float:
        """The weighted mean of the scores of all subjects."""
        return round(100.0 - sum(self._share(subject) * (100.0 - subject.score) for subject in self.subjects), 2)

    @property
    def confidence(self) -> float:
        return round(sum(self._share(subject) * subject.confidence for subject in self.subjects), 4)

    @property
    def state(self) -> State:
        """The state of the score; and at best degraded if a subject is not healthy, unhealthy if an important one is.

        Important are the installation and platforms of high priority. A mean alone would hide one platform that fails.
        """
        states = {subject.state for subject in self.subjects if subject.priority == "high"} | {_state(self.score)}
        if "unhealthy" in states:
            return "unhealthy"
        return "degraded" if any(subject.state != "healthy" for subject in self.subjects) else _state(self.score)

    @property
    def losses(self) -> list[Loss]:
        """Every loss of points, the largest first."""
        losses = _in_one_line(loss for subject in self.subjects for loss in self._losses(subject))
        return sorted((loss for loss in losses if loss.points >= LEAST_LISTED), key=lambda loss: -loss.points)

    @property
    def unknowns(self) -> list[Loss]:
        """Everything that is not known, in the order of the subjects."""
        return _in_one_line(
            Loss(subject.name, part.name, self._share(subject) * part.points * deficit.unknown, deficit)
            for subject in self.subjects
            for part in subject.parts
            for deficit in part.deficits
            if deficit.unknown
        )

    def _share(self, subject: Subject) -> float:
        return subject.weight / sum(each.weight for each in self.subjects)

    def _losses(self, subject: Subject) -> Iterator[Loss]:
        for part in subject.parts:
            for deficit in part.deficits:
                yield Loss(subject.name, part.name, self._share(subject) * part.scale * deficit.lost, deficit)


def _in_one_line(losses: Iterable[Loss]) -> list[Loss]:
    """The losses, those with one common reason as one."""
    found_losses: list[Loss] = []
    common: dict[str, list[Loss]] = {}
    for loss in losses:
        if not loss.deficit.common:
            found_losses.append(loss)
        else:
            common.setdefault(loss.deficit.common, []).append(loss)
    return [*found_losses, *map(_joined, common.values())]


def _joined(losses: Sequence[Loss]) -> Loss:
    names = list(dict.fromkeys(loss.subject for loss in losses))
    parts = dict.fromkeys(loss.part for loss in losses)
    first = losses[0].deficit
    reason = f"{', '.join(names)}: {first.common}"
    deficit = replace(first, reason=reason, command=(*first.command[:1], *names))
    return Loss(", ".join(names), ", ".join(parts), sum(loss.points for loss in losses), deficit)


def installation_weight(platforms: Sequence[Subject]) -> float:
    """The weight with which the installation has INSTALLATION_SHARE of all weights."""
    return (sum(subject.weight for subject in platforms) or 1.0) * INSTALLATION_SHARE / (1.0 - INSTALLATION_SHARE)


def _state(score: float) -> State:
    if score >= HEALTHY_FROM:
        return "healthy"
    return "degraded" if score >= DEGRADED_FROM else "unhealthy"
