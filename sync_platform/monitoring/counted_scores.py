"""The scores that count now: the newest, and for a dimension that is not measured any more, its last measured score.

So a dimension that stops being measured stays as good or as bad as it was, until it is measured again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sync_platform.quality.score import OVERALL
from sync_platform.quality.scorecard import StoredScore


def counted_scores(newest: Iterable[StoredScore], last_measured: Iterable[StoredScore]) -> list[StoredScore]:
    """A score of each dimension of each dataset. `newest`: of the newest period. `last_measured`: of any period."""
    known_scores = list(newest)
    measured = {_key(score) for score in known_scores if score.score is not None}
    earlier = [score for score in last_measured if _key(score) not in measured and score.dimension != OVERALL]
    replaced = {_key(score) for score in earlier}
    return [*(score for score in known_scores if _key(score) not in replaced), *earlier]


def own_checks_of(results: Iterable[StoredScore], newest: Sequence[StoredScore]) -> list[StoredScore]:
    """The results of own checks at the newest scored sync, without those of files that were no longer there then."""
    syncs = {(score.platform, score.dataset): score.sync_id for score in newest if score.dimension == OVERALL}
    return [score for score in results if syncs.get((score.platform, score.dataset)) == score.sync_id]


def _key(scored: StoredScore) -> tuple[str, str, str]:
    return scored.platform, scored.dataset, scored.dimension
