"""An obligation as judged, and the ComplianceRate of many.

What belongs here: the three states and the arithmetic. What is required stands in `duties`, how each is judged in the
module of the figures that it is judged by.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

State = Literal["met", "not met", "not checked"]


@dataclass(frozen=True)
class Obligation:
    """What is required, on what basis, whether it is met, and the evidence in words, or why it was not checked."""

    id: str
    requirement: str
    basis: str
    state: State
    evidence: str


@dataclass(frozen=True)
class Duty:
    """What is required, before anybody looked."""

    id: str
    requirement: str
    basis: str

    def judged(self, is_met: bool, evidence: str) -> Obligation:
        return Obligation(self.id, self.requirement, self.basis, "met" if is_met else "not met", evidence)

    def unchecked(self, reason: str) -> Obligation:
        return Obligation(self.id, self.requirement, self.basis, "not checked", reason)


@dataclass(frozen=True)
class Rate:
    """How many obligations are met, not met, and were not checked."""

    met: int
    not_met: int
    not_checked: int

    @classmethod
    def of(cls, obligations: Sequence[Obligation]) -> Rate:
        states = [each.state for each in obligations]
        return cls(states.count("met"), states.count("not met"), states.count("not checked"))

    @property
    def checked(self) -> int:
        return self.met + self.not_met

    @property
    def of_all(self) -> int:
        return self.checked + self.not_checked

    @property
    def value(self) -> float | None:
        """The ComplianceRate: met / (met + not met), from 0 to 1; None where nothing could be checked."""
        return self.met / self.checked if self.checked else None

    @property
    def in_words(self) -> str:
        checked = f"{self.checked} of {self.of_all} obligations were checked"
        if self.value is None:
            return f"none: nothing could be checked ({checked})"
        return f"{self.value:.1%}: {self.met} of {self.checked} checked obligations are met; {checked}"
