"""The model: the weight of each level of evidence, and the probability of a match before any evidence.

A model is a value. `estimation` computes it from listings without labels; it is saved as JSON and given to later runs,
so that a batch gets the same scores as a full rebuild.

The weights are those of Fellegi and Sunter (1969): log2(m / u) bits for a level that occurs with probability m where
two listings are one place, and u where they are not. The sum of weights and prior gives the probability.
"""

from __future__ import annotations

from itertools import zip_longest
from math import log2, prod

import msgspec
import numpy as np

from sync_platform.errors import UsageError
from sync_platform.matching.comparisons import COMPARISONS, NAME, PHONE, PLACE, UNKNOWN, Comparison
from sync_platform.matching.frequencies import Frequencies

VERSION = 2
MAX_BITS = 16.0
"""The largest weight of a comparison, for or against: one wrong value must not outweigh all others."""
TOGETHER = (NAME, PLACE, PHONE)
"""Comparisons that are not independent: chains, neighbours and shared numbers connect them."""
COMBINATIONS = prod(len(comparison.levels) + 1 for comparison in TOGETHER)


class Parameters(msgspec.Struct, frozen=True):
    """`m` and `u` of a comparison, by level from the least alike."""

    m: tuple[float, ...]
    u: tuple[float, ...]


class Lessons(msgspec.Struct, frozen=True):
    """What people's decisions teach (`learning`): corrections in bits.

    `weights`: by comparison, for each of its levels. `shift_bits`: for all pairs, which moves the threshold.
    `decisions`: how many decisions this was learned from.
    """

    weights: dict[str, tuple[float, ...]] = {}
    shift_bits: float = 0.0
    decisions: int = 0


class Model(msgspec.Struct, frozen=True):
    """`prior` is the probability that two random listings of different sources are one place.

    `coincidences`: for each combination of levels of TOGETHER (their codes, joined by `+`), the bits by which it is
    more frequent by chance than with independent levels. Example: the branches of a chain share one name and one
    hotline, so both together are almost as frequent as one of them.
    """

    prior: float
    parameters: dict[str, Parameters]
    frequencies: Frequencies
    coincidences: dict[str, float] = {}
    lessons: Lessons = Lessons()
    version: int = VERSION

    @property
    def prior_bits(self) -> float:
        """The log2 odds of the prior, with what decisions teach."""
        return log2(self.prior / (1 - self.prior)) + self.lessons.shift_bits

    def weights(self, levels: np.ndarray) -> np.ndarray:
        """Bits for a match (above 0) or against it, per pair and comparison; 0 where a level is unknown.

        `levels` has the shape (pairs, comparisons), as in `evidence`.
        """
        columns = [self._weights_of(column)[levels[:, column] + 1] for column in range(len(COMPARISONS))]
        return np.stack(columns, axis=1)

    def _weights_of(self, column: int) -> np.ndarray:
        """The weight of each level of a comparison; the unknown level comes first."""
        parameters = self.parameters[COMPARISONS[column].name]
        bits = (max(-MAX_BITS, min(MAX_BITS, log2(m / u))) for m, u in zip(parameters.m, parameters.u, strict=True))
        lessons = self.lessons.weights.get(COMPARISONS[column].name, ())
        return np.array([0.0, *(one + other for one, other in zip_longest(bits, lessons, fillvalue=0.0))])

    def bits(self, levels: np.ndarray) -> np.ndarray:
        """The sum of prior and evidence of each pair: log2 of the odds that it is one place."""
        bits = np.full(len(levels), self.prior_bits)
        for column in range(len(COMPARISONS)):
            bits += self._weights_of(column)[levels[:, column] + 1]
        return np.asarray(bits - self.coincidence(levels))

    def most_bits(self, levels: np.ndarray, comparison: Comparison) -> np.ndarray:
        """The most bits that each pair can have, whatever its level of one comparison is."""
        any_level, column = levels.copy(), COMPARISONS.index(comparison)
        most = np.full(len(levels), -np.inf)
        for level in range(UNKNOWN, len(comparison.levels)):
            any_level[:, column] = level
            most = np.maximum(most, self.bits(any_level))
        return most

    def coincidence(self, levels: np.ndarray) -> np.ndarray:
        """Bits to subtract because these levels often occur together by chance."""
        table = np.zeros(COMBINATIONS)
        for name, bits in self.coincidences.items():
            table[combination_number(name)] = bits
        return np.asarray(table[combinations_of(levels)])


def combinations_of(levels: np.ndarray) -> np.ndarray:
    """For each pair the number of its combination of levels of TOGETHER, below COMBINATIONS."""
    return combine(levels, TOGETHER)


def combine(levels: np.ndarray, comparisons: tuple[Comparison, ...]) -> np.ndarray:
    """For each pair one number that encodes its levels of these comparisons."""
    combinations = np.zeros(len(levels), dtype=np.int32)
    for comparison in comparisons:
        combinations *= len(comparison.levels) + 1
        combinations += levels[:, COMPARISONS.index(comparison)] + 1
    return combinations


def combination_name(number: int) -> str:
    """The codes of a combination's levels, `-` where one is unknown, joined by `+`."""
    codes = []
    for comparison in reversed(TOGETHER):
        number, level = divmod(number, len(comparison.levels) + 1)
        codes.append(comparison.levels[level - 1].code if level else "-")
    return "+".join(reversed(codes))


def combination_number(name: str) -> int:
    """The number of the combination with this name; KeyError where there is none."""
    return _COMBINATION_NUMBERS[name]


def probability_of(bits: np.ndarray) -> np.ndarray:
    """The probability at log2 odds."""
    return np.asarray(1 / (1 + np.exp2(-np.clip(bits, -60, 60))))


_COMBINATION_NUMBERS = {combination_name(number): number for number in range(COMBINATIONS)}


def initial_parameters() -> dict[str, Parameters]:
    """The assumptions before any data."""
    return {
        comparison.name: Parameters(
            tuple(level.m for level in comparison.levels), tuple(level.u for level in comparison.levels)
        )
        for comparison in COMPARISONS
    }


def write_model(model: Model) -> bytes:
    """The model as JSON; the same model gives the same bytes."""
    return msgspec.json.encode(model, order="deterministic")


def read_model(body: bytes) -> Model:
    """The model from its JSON; UsageError where it is not a model or has another version."""
    try:
        model = msgspec.json.decode(body, type=Model)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"not a model of matching: {error}") from None
    shapes = {name: len(parameters.m) for name, parameters in model.parameters.items()}
    if model.version != VERSION or shapes != {comparison.name: len(comparison.levels) for comparison in COMPARISONS}:
        raise UsageError(f"the model is of version {model.version}; this program needs one of version {VERSION}")
    return model
