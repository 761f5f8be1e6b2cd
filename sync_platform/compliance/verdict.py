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
    unmet = [each for each in obligations if each.state == "not met"]
    broken = [each for each in unmet if each.id in PROOF]
    if broken:
        evidence = "; ".join(f"{each.id}: {each.evidence}" for each in broken)
        others = [each.id for each in unmet if each not in broken]
        more = f". Also not met: {', '.join(others)}" if others else ""
        return Verdict(False, f"Not met: the proof is broken, so no figure of this report is proven. {evidence}{more}")
    if unmet:
        return Verdict(False, f"Not met: {', '.join(each.id for each in unmet)}")
    if not rate.checked:
        return Verdict(None, "Nothing could be checked")
    return Verdict(True, f"Met: every obligation that was checked ({rate.checked} of {rate.of_all})")


def most_urgent_first(obligations: Sequence[Obligation]) -> list[Obligation]:
    """What is not met, then what was not checked, then what is met."""
    return sorted(obligations, key=lambda each: ORDER[each.state])
