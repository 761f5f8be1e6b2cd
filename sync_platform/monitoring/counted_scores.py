"""The scores that count now: the newest, and for a dimension that is not measured any more, its last measured score.

So a dimension that stops being measured stays as good or as bad as it was, until it is measured again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sync_platform.quality.score import OVERALL
from sync_platform.quality.scorecard import StoredScore


def counted_scores(newest: Iterable[StoredScore], last_measured: Iterable[StoredScore]) -> list[StoredScore]:
    """A score of each dimension of each dataset. `newest`: of the newest period. `last_measured`: of any period."""
    known = list(newest)
    measured = {_key(each) for each in known if each.score is not None}
    earlier = [each for each in last_measured if _key(each) not in measured and each.dimension != OVERALL]
    replaced = {_key(each) for each in earlier}
    return [*(each for each in known if _key(each) not in replaced), *earlier]


def own_checks_of(results: Iterable[StoredScore], newest: Sequence[StoredScore]) -> list[StoredScore]:
    """The results of own checks at the newest scored sync, without those of files that were no longer there then."""
    syncs = {(each.platform, each.dataset): each.sync_id for each in newest if each.dimension == OVERALL}
    return [each for each in results if syncs.get((each.platform, each.dataset)) == each.sync_id]


def _key(scored: StoredScore) -> tuple[str, str, str]:
    return scored.platform, scored.dataset, scored.dimension
