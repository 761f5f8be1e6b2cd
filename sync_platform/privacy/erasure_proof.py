"""The proof of an erasure: every place that was looked at, and in which state the person's values are there.

What belongs here: the form of the proof. Looking belongs in privacy/erasure_places.py. The proof is a part of the last
event of the erasure, so the chain of the erasure ledger covers it. It names no person and no data subject.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class ValueState(StrEnum):
    """The state of a person's values in a place. Stored proofs have these values, so a value never changes."""

    nothing = "nothing"
    """The place has nothing of the person."""
    erased = "erased"
    """The erased form stands in place of each value."""
    unreadable = "unreadable"
    """It has ciphertext, and no key: nobody can read it."""
    out_of_reach = "out of reach"
    """A copy in clear left the installation; its recipient must delete it."""
    readable = "readable"
    """A value or a key is still there: the erasure is not complete."""


@dataclass(frozen=True)
class CheckedPlace:
    """A place that was looked at. `found`: figures, by their name in words. `note`: what happens to it next."""

    place: str
    state: ValueState
    found: Mapping[str, int | str]
    note: str = ""

    def document(self) -> dict[str, Any]:
        return {"place": self.place, "state": self.state, "found": dict(self.found), "note": self.note}

    @property
    def in_words(self) -> str:
        figures = ", ".join(
            f"{value:,} {name}" if isinstance(value, int) else f"{name} {value}" for name, value in self.found.items()
        )
        return "; ".join(part for part in (figures, self.note) if part)


@dataclass(frozen=True)
class ErasureProof:
    """What was found at a time, in every place. `at` is UTC."""

    at: datetime
    places: Sequence[CheckedPlace]

    @property
    def problems(self) -> list[str]:
        """Where something can still be read, in words; empty where the proof holds."""
        return [
            f"{each.place} still has what can be read: {each.in_words}"
            for each in self.places
            if each.state is ValueState.readable
        ]

    def document(self) -> dict[str, Any]:
        return {"at": self.at.isoformat(), "places": [each.document() for each in self.places]}


def read_proof(document: Mapping[str, Any]) -> ErasureProof:
    """A proof from its document."""
    places = [
        CheckedPlace(each["place"], ValueState(each["state"]), each["found"], each["note"])
        for each in document["places"]
    ]
    return ErasureProof(datetime.fromisoformat(document["at"]), places)
