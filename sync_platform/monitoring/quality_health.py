"""The quality of one platform's data in its health.

What belongs here: which scores cost how many points; docs/monitoring.md has the same table. A dimension that is not
measured any more counts with its last measured score, so that it never raises the health.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sync_platform.documents.local_time import local_minute
from sync_platform.monitoring.counted_scores import counted_scores
from sync_platform.monitoring.health import Deficit, unknown
from sync_platform.monitoring.installation_state import InstallationState, UnreadPart
from sync_platform.quality.score import OVERALL
from sync_platform.quality.scorecard import StoredScore

FAR_BELOW = 0.2
"""A score that is this share below its threshold loses all points of its dimension."""


def quality_deficits(
    platform: str, datasets: Sequence[str], state: InstallationState, weights: Mapping[str, float]
) -> Iterator[Deficit]:
    """Each dataset has an equal share of the points. `weights`: of the dimensions."""
    command, scores = ("quality", platform), _scores(state)
    if isinstance(scores, UnreadPart):
        yield unknown(f"{platform}: the quality scores cannot be read: {scores.reason}", command)
        return
    known = {
        name: [score for score in scores if (score.platform, score.dataset) == (platform, name)] for name in datasets
    }
    overall = {name: next((score for score in own if score.dimension == OVERALL), None) for name, own in known.items()}
    unmeasured = [name for name, whole in overall.items() if whole is None or whole.score is None]
    if unmeasured:
        reason = f"{named_datasets(platform, unmeasured)}: the quality was not measured"
        yield unknown(reason, command, len(unmeasured) / len(datasets))
    for name in (dataset for dataset in datasets if dataset not in unmeasured):
        for deficit in _shortfalls(known[name], overall[name], weights):
            yield Deficit(f"{platform}.{name}: {deficit.reason}", command, deficit.lost / len(datasets))
    unjudged = sum(1.0 - (whole.confidence or 0.0) for whole in overall.values() if whole and whole.score is not None)
    if unjudged:
        share = unjudged / (len(datasets) - len(unmeasured))
        reason = f"{platform}: {1.0 - share:.0%} of the quality of its data could be measured{_earlier(known, overall)}"
        yield Deficit(reason, command, 0.0, unjudged / len(datasets))


def _earlier(known: Mapping[str, Sequence[StoredScore]], overall: Mapping[str, StoredScore | None]) -> str:
    """The dimensions of which an earlier score counts, in words."""
    earlier_scores = [
        f"{name}.{score.dimension} was last measured at {local_minute(score.observed_at)} ({score.score:.0%})"
        for name, scores in known.items()
        for score in scores
        if score.score is not None and _is_earlier(score, overall[name])
    ]
    return "".join(f"; {each}" for each in earlier_scores)


def _is_earlier(scored: StoredScore, overall: StoredScore | None) -> bool:
    """True for a score of an earlier period than the newest one: its dimension is not measured any more."""
    return overall is not None and scored.partition != overall.partition


def _shortfalls(
    scores: Sequence[StoredScore], overall: StoredScore | None, weights: Mapping[str, float]
) -> Iterator[Deficit]:
    """The dimensions of one dataset that fall short; together they lose at most 1."""
    measured = [each for each in scores if each.dimension in weights and each.score is not None]
    total = sum(weights[each.dimension] for each in measured) or 1.0
    for score in measured:
        if score.falls_short:
            at = f" (last measured at {local_minute(score.observed_at)})" if _is_earlier(score, overall) else ""
            reason = f"{score.dimension}{at} is {score.in_words}; it should reach {score.threshold:.0%}"
            yield Deficit(reason, (), _shortfall(score) * weights[score.dimension] / total)


def _shortfall(scored: StoredScore) -> float:
    threshold = scored.threshold or 1.0
    return min(1.0, (threshold - (scored.score or 0.0)) / (threshold * FAR_BELOW))


def _scores(state: InstallationState) -> Sequence[StoredScore] | UnreadPart:
    """The scores that count now."""
    if isinstance(state.scores, UnreadPart):
        return state.scores
    if isinstance(state.last_measured, UnreadPart):
        return state.last_measured
    return counted_scores(state.scores, state.last_measured)


def named_datasets(platform: str, datasets: Sequence[str]) -> str:
    """The datasets in one phrase."""
    return f"{platform}.{datasets[0]}" if len(datasets) == 1 else f"{platform} ({', '.join(datasets)})"
