"""The probabilities from which a pair is a match, and from which a person should review it."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, log2

MATCH, REVIEW = 0.5, 0.02


@dataclass(frozen=True)
class Thresholds:
    """`match`: a pair joins two clusters from this probability on. `review`: a person should review it from this on."""

    match: float = MATCH
    review: float = REVIEW

    @property
    def least(self) -> float:
        """The probability from which a pair can change a result."""
        return min(self.match, self.review)

    @property
    def match_bits(self) -> float:
        """The log2 odds of the probability of a match."""
        return log2(self.match / (1 - self.match)) if self.match < 1 else inf
