"""Explanation of a pair: its evidence as data and as a sentence.

What belongs here: turning levels and weights into something that people and programs can read.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import orjson

from sync_platform.matching.comparisons import COMPARISONS, UNKNOWN
from sync_platform.matching.model import Model, combination_name, combinations_of

_SHOWN_DIGITS = 2
_WORTH_SAYING = 0.1  # bits


class Explainer:
    """Explains pairs scored by one model. Pairs with the same levels share one explanation."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._prior = round(model.prior_bits, _SHOWN_DIGITS)
        self._explanations: dict[bytes, dict[str, Any]] = {}
        self._written: dict[bytes, str] = {}

    def evidence(self, levels: np.ndarray) -> dict[str, Any]:
        """The evidence of one pair, given its levels (one per comparison).

        `words` is a sentence. `bits` are the log2 odds: the sum of `prior_bits`, the `bits` of each possible
        comparison (with its `level`), and `coincidence_bits`, which are negative where levels often coincide.
        """
        key = levels.tobytes()
        if key not in self._explanations:
            self._explanations[key] = self._explain(levels)
        return self._explanations[key]

    def as_json(self, levels: np.ndarray) -> str:
        """The evidence as JSON."""
        key = levels.tobytes()
        if key not in self._written:
            self._written[key] = orjson.dumps(self.evidence(levels)).decode()
        return self._written[key]

    def _explain(self, levels: np.ndarray) -> dict[str, Any]:
        rows = levels[None, :]
        weights = self._model.weights(rows)[0]
        coincidence = float(self._model.coincidence(rows)[0])
        found = {
            comparison.name: {"level": comparison.levels[level].code, "bits": round(float(bits), _SHOWN_DIGITS)}
            for comparison, level, bits in zip(COMPARISONS, levels.tolist(), weights, strict=True)
            if level != UNKNOWN
        }
        return {
            "words": self._words(levels, weights, coincidence),
            "bits": round(float(self._model.bits(rows)[0]), _SHOWN_DIGITS),
            "prior_bits": self._prior,
            "coincidence_bits": round(-coincidence, _SHOWN_DIGITS),
            **found,
        }

    def _words(self, levels: np.ndarray, weights: np.ndarray, coincidence: float) -> str:
        reasons: dict[bool, list[tuple[float, str]]] = {True: [], False: []}
        for comparison, level, bits in zip(COMPARISONS, levels.tolist(), weights.tolist(), strict=True):
            if level != UNKNOWN and abs(bits) >= _WORTH_SAYING:
                reasons[bits > 0].append((-abs(bits), f"{comparison.levels[level].words} ({bits:+.1f})"))
        if coincidence >= _WORTH_SAYING:
            together = combination_name(int(combinations_of(levels[None, :])[0])).replace("+", ", ")
            reasons[False].append(
                (-coincidence, f"this often comes together by chance: {together} ({-coincidence:+.1f})")
            )
        parts = [
            f"{title}: {', '.join(text for _, text in sorted(reasons[side]))}"
            for side, title in ((True, "for"), (False, "against"))
            if reasons[side]
        ]
        return "; ".join(parts) or "nothing could be compared"
