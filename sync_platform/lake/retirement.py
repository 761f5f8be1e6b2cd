"""Retirement: decides if rows that a full list does not show are retired or stay live.

A row that the source sends as deleted is removed by lake/difference.py. lake/confirmation.py decides which rows wait
for a second list.

A bad extract retires nothing: a full list retires only rows that it covers (lake/coverage.py), within the tolerance of
the shrink guard (lake/shrink_tolerance.py), which looks at all parts of the list together.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sync_platform.lake.confirmation import Confirmation
from sync_platform.lake.coverage import EVERY_ROW, NO_ROW, Coverage
from sync_platform.lake.shrink_tolerance import ShrinkTolerance
from sync_platform.storage.temporary_tables import TemporaryTables


@dataclass(frozen=True)
class ShrinkGuard:
    """The operator's settings of the shrink guard for one commit.

    `tolerance`: the largest share of the live rows that may be retired, in place of the platform's tolerance.
    `accepted`: the operator's reason for retiring more rows than the tolerance in this commit.
    """

    tolerance: float | None = None
    accepted: str | None = None


PLATFORM_GUARD = ShrinkGuard()
"""The guard with the platform's own tolerance."""


@dataclass(frozen=True)
class RetirementDecision:
    """The decision to retire unseen rows or not.

    `reason`: why the shrink guard rejected the list. `accepted`: the operator's reason, if the rows are retired only
    because of it.
    """

    is_retired: bool
    reason: str | None = None
    accepted: str | None = None


@dataclass(frozen=True)
class Retirement:
    """The conditions for retiring the rows that one observation does not show.

    `list_is_full`: it lists everything, not only changes. `coverage`: the rows that it covers. `tolerance`: how many of
    the live rows may be retired at once. `accepted`: the operator's reason for retiring more. `confirmation`: what must
    be confirmed by a second list; None for nothing.
    """

    list_is_full: bool
    coverage: Coverage
    tolerance: ShrinkTolerance
    accepted: str | None = None
    confirmation: Confirmation | None = None

    def hold_back(self, scratch: TemporaryTables, stored: str, operations: str, keys: str) -> int:
        """Keep the unseen rows that must be confirmed from being retired (lake/confirmation.py); returns their number.

        An operator who accepts that rows are gone confirms them.
        """
        if self.confirmation is None or self.accepted:
            return 0
        return self.confirmation.hold_back(scratch, stored, operations, keys)

    def decide(self, unseen: int, count_live: Callable[[], int]) -> RetirementDecision:
        """Decide on a number of covered rows that were not seen; `count_live` counts all live rows of a full list."""
        if not unseen:
            return RetirementDecision(is_retired=False)
        live = count_live()
        tolerated = self.tolerance.rows(live)
        if unseen <= tolerated and unseen < live:
            return RetirementDecision(is_retired=True)
        if self.accepted:
            return RetirementDecision(is_retired=True, accepted=self.accepted)
        return RetirementDecision(
            is_retired=False,
            reason=f"{unseen:,} of {live:,} live rows are not listed any more, beyond the tolerance of "
            f"{self.tolerance.share:.0%} (at most {tolerated:,}): none was retired (see sync.not_retired; if they are "
            'really gone, sync again with --accept-shrink "why")',
        )


NO_LIST = Retirement(list_is_full=False, coverage=NO_ROW, tolerance=ShrinkTolerance(0.0))
"""For an observation that is not a full list: rows that it does not show stay live."""
ACCEPTED = Retirement(
    list_is_full=True, coverage=EVERY_ROW, tolerance=ShrinkTolerance(1.0), accepted="it was accepted before"
)
"""For a list that was allowed to retire rows before: it is still allowed to."""
