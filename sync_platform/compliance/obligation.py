"""An obligation: a requirement that has been judged; and the ComplianceRate of many obligations.

What belongs here: the three states and the arithmetic. The requirements are in `requirements`. Each is judged in the
module that has its figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

State = Literal["met", "not met", "not checked"]


@dataclass(frozen=True)
class Obligation:
    """A requirement, its legal or contractual basis, its state, and the evidence or why it could not be checked."""

    id: str
    requirement: str
    basis: str
    state: State
    evidence: str


@dataclass(frozen=True)
class Requirement:
    """What is required, before it is judged."""

    id: str
    text: str
    basis: str

    def judged(self, is_met: bool, evidence: str) -> Obligation:
        return Obligation(self.id, self.text, self.basis, "met" if is_met else "not met", evidence)

    def unchecked(self, reason: str) -> Obligation:
        return Obligation(self.id, self.text, self.basis, "not checked", reason)


@dataclass(frozen=True)
class ComplianceRate:
    """How many obligations are met, are not met, and were not checked."""

    met: int
    not_met: int
    not_checked: int

    @classmethod
    def of(cls, obligations: Sequence[Obligation]) -> ComplianceRate:
        states = [obligation.state for obligation in obligations]
        return cls(states.count("met"), states.count("not met"), states.count("not checked"))

    @property
    def checked(self) -> int:
        return self.met + self.not_met

    @property
    def of_all(self) -> int:
        return self.checked + self.not_checked

    @property
    def value(self) -> float | None:
        """met / (met + not met), from 0 to 1; None where no obligation could be checked."""
        return self.met / self.checked if self.checked else None

    @property
    def in_words(self) -> str:
        checked = f"{self.checked} of {self.of_all} obligations were checked"
        if self.value is None:
            return f"none: nothing could be checked ({checked})"
        return f"{self.value:.1%}: {self.met} of {self.checked} checked obligations are met; {checked}"
