"""The verdict of a report: whether every checked obligation is met, in one sentence that names what is not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sync_platform.compliance import requirements
from sync_platform.compliance.obligation import ComplianceRate, Obligation, State

PROOF = (requirements.HISTORY.id, requirements.AUDIT_LOG.id)
"""The obligations on which all others rest: with a broken chain, no other figure is proven."""
ORDER: dict[State, int] = {"not met": 0, "not checked": 1, "met": 2}


@dataclass(frozen=True)
class Verdict:
    """`is_met`: None where no obligation could be checked."""

    is_met: bool | None
    text: str


def verdict_of(obligations: Sequence[Obligation]) -> Verdict:
    """The verdict on all obligations. A broken chain comes first, whatever the rate is."""
    rate = ComplianceRate.of(obligations)
    unmet = [obligation for obligation in obligations if obligation.state == "not met"]
    broken = [obligation for obligation in unmet if obligation.id in PROOF]
    if broken:
        evidence = "; ".join(f"{obligation.id}: {obligation.evidence}" for obligation in broken)
        others = [obligation.id for obligation in unmet if obligation not in broken]
        more = f". Also not met: {', '.join(others)}" if others else ""
        return Verdict(False, f"Not met: the proof is broken, so no figure of this report is proven. {evidence}{more}")
    if unmet:
        return Verdict(False, f"Not met: {', '.join(obligation.id for obligation in unmet)}")
    if not rate.checked:
        return Verdict(None, "Nothing could be checked")
    return Verdict(True, f"Met: every obligation that was checked ({rate.checked} of {rate.of_all})")


def most_urgent_first(obligations: Sequence[Obligation]) -> list[Obligation]:
    """What is not met, then what was not checked, then what is met."""
    return sorted(obligations, key=lambda obligation: ORDER[obligation.state])
