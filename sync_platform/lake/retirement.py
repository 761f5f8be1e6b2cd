"""Retirement: whether rows that a full list does not show are retired, or stay live.

A bad extract retires nothing: only a complete full list retires rows, within the tolerance of the shrink guard.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Guard:
    """The shrink guard of one commit, beside the platform's own declaration.

    `tolerance`: the operator's, in place of the platform's. `accepted`: the operator's reason for retiring more rows
    this once.
    """

    tolerance: float | None = None
    accepted: str | None = None


PLATFORM_GUARD = Guard()
"""Only the platform's own declaration counts."""


@dataclass(frozen=True)
class RetirementDecision:
    """Whether unseen rows are retired.

    `reason`: why the shrink guard rejected it. `accepted`: the operator's reason, if only that retires the rows.
    """

    is_retired: bool
    reason: str | None = None
    accepted: str | None = None


@dataclass(frozen=True)
class Retirement:
    """What decides on the rows that one observation does not show.

    `list_is_full`: it lists everything, not only changes. `list_is_complete`: nothing is known to be missing from it.
    `tolerance`: the largest share of the listed rows that may leave at once. `accepted`: an operator's reason for
    letting more leave.
    """

    list_is_full: bool
    list_is_complete: bool
    tolerance: float
    accepted: str | None = None

    def decide(self, unseen: int, count_live: Callable[[], int]) -> RetirementDecision:
        """Decide on so many unseen rows; `count_live` counts the live rows that the list should show."""
        if not unseen or not self.list_is_complete:
            return RetirementDecision(is_retired=False)
        live = count_live()
        # one row may always leave, or a small table could never lose any
        if unseen <= max(1, int(self.tolerance * live)) and unseen < live:
            return RetirementDecision(is_retired=True)
        if self.accepted:
            return RetirementDecision(is_retired=True, accepted=self.accepted)
        return RetirementDecision(
            is_retired=False,
            reason=f"{unseen:,} of {live:,} live rows are not listed any more, beyond the tolerance of "
            f"{self.tolerance:.0%}: none was retired (see sync.not_retired; if they are really gone, sync again "
            'with --accept-shrink "why")',
        )


NO_LIST = Retirement(list_is_full=False, list_is_complete=False, tolerance=0.0)
"""The observation is no list of everything: rows that it does not show stay."""
