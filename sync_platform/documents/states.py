"""The state in which a sync or another operation is or ended, in one word for people: the same word in every output.

What belongs here: how a stored status becomes a word. Programs read what is stored: JSON and tables keep it.
"""

from __future__ import annotations

from collections.abc import Iterable

COMPLETE, WITH_GAPS, DEGRADED, FAILED, CANCELLED = "complete", "with gaps", "degraded", "failed", "cancelled"
WORST_FIRST = (FAILED, CANCELLED, DEGRADED, WITH_GAPS, COMPLETE)
OTHER_WORDS = {"interrupted": CANCELLED, "canceled": CANCELLED, "canceling": "being cancelled", "started": "running"}
"""What the audit log (`interrupted`) and Dagster (the others) store for a state that has another word here."""


def state_of(stored: str, *, has_gaps: bool = False) -> str:
    """The word for a stored status. `has_gaps`: records are missing within the gap tolerance."""
    if stored == COMPLETE and has_gaps:
        return WITH_GAPS
    return OTHER_WORDS.get(stored, stored)


def worst_state(states: Iterable[str]) -> str | None:
    """The worst of these words; None where none of the five is among them."""
    present = set(states)
    return next((state for state in WORST_FIRST if state in present), None)
