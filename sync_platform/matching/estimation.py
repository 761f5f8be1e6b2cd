"""Estimation of the model without labels.

`u` (how often a level occurs by chance) is counted among pairs of one source. A source has one record per place, so
these pairs are not matches, but chains, neighbours and shared numbers make them alike. `m` is estimated by expectation
maximisation over the candidate pairs, with Splink on DuckDB. Both are combined with assumptions made before any data,
so that few listings or missing columns give a sensible model too.
"""

from __future__ import annotations

from math import log2

import msgspec
import numpy as np
import polars as pl

from sync_platform.matching.blocking import sample_within_groups, share_a_key
from sync_platform.matching.comparisons import (
    CITY,
    COMPARISONS,
    CUISINE,
    NAME,
    PHONE,
    PLACE,
    UNKNOWN,
    expected_coincidence_bits,
)
from sync_platform.matching.evidence import Comparer
from sync_platform.matching.frequencies import Frequencies
from sync_platform.matching.maximisation import DIGITS, rounded, with_m
from sync_platform.matching.model import (
    COMBINATIONS,
    TOGETHER,
    Model,
    Parameters,
    combination_name,
    combinations_of,
    combine,
    initial_parameters,
    probability_of,
)
from sync_platform.matching.parsed_listings import ParsedListings

MAX_TRAINING_PAIRS = 100_000
MAX_CHANCE_PAIRS = 300_000
"""About as many candidate pairs of one source are compared to see what chance produces."""
RANDOM_PAIRS = 100_000
U_STRENGTH = 1000.0
"""The weight of the assumed `u`, in pairs."""
COINCIDENCE_STRENGTH = 0.1
"""The weight, in pairs of a combination, of the assumption that levels coincide by chance only."""
EXPECTED_OVERLAP = 0.5
"""The expected share of the smaller source that another source lists too, before any data."""
LEAST_PRIOR, MAX_PRIOR = 1e-9, 0.2
PRIOR_STEPS = 3
_SEED = 852
_CHANCE_COMPARISONS = (*TOGETHER, CUISINE)
"""The comparisons used to measure chance. Branches are left out, because only some sources write them."""

_FREE_TEXT_COMPARISONS = (CUISINE, CITY)
"""Comparisons of words that each source chooses itself. So many places share these words that among all pairs of a
level few are matches."""


def estimate_model(
    parsed: ParsedListings,
    comparer: Comparer,
    frequencies: Frequencies,
    keys: pl.DataFrame,
    across: np.ndarray,
) -> Model:
    """The model of parsed listings with their blocking keys; `across`: levels of candidate pairs of two sources."""
    sizes = np.bincount(parsed.source_numbers[~parsed.is_duplicate]).astype(float)
    if len(sizes) < 2:
        return Model(_expected_prior(sizes), initial_parameters(), frequencies)
    once = keys.filter(~pl.Series(parsed.is_duplicate).gather(keys["listing"]))
    one, other, scale = sample_within_groups(once, parsed.source_numbers, MAX_CHANCE_PAIRS)
    within = comparer.compare(one, other)
    within = within[~_look_like_duplicates(within)]
    random_across = comparer.compare(*_random_pairs(parsed, within=False))
    chance = _ChanceLevels(within, scale, _random_levels(comparer, parsed, keys), random_across, sizes)
    model = Model(_expected_prior(sizes), chance.with_u(initial_parameters()), frequencies)
    model = msgspec.structs.replace(model, coincidences=chance.coincidences(model.parameters))
    if not len(across):
        return model
    training = chance.without_coincidences(across)
    if len(training):
        sample = training[:: len(training) // MAX_TRAINING_PAIRS + 1]
        model = with_m(model, sample, len(training) / len(sample))
    return _with_prior(model, across, sizes)


def _look_like_duplicates(levels: np.ndarray) -> np.ndarray:
    """True for a pair of one source that is so alike that the source must list one place twice, against the rule."""
    name, place, phone = (levels[:, COMPARISONS.index(comparison)] for comparison in TOGETHER)
    alike = (name == NAME.number("near")) | (name >= NAME.number("same_shared"))
    here = (place >= PLACE.number("near")) & ~np.isin(place, [PLACE.number("other_unit"), PLACE.number("unlike_unit")])
    return np.asarray(alike & here & (phone != PHONE.number("different")))


class _ChanceLevels:
    """The levels that chance produces, measured on pairs of one source, which are not matches."""

    def __init__(
        self, within: np.ndarray, scale: float, random: np.ndarray, random_across: np.ndarray, sizes: np.ndarray
    ) -> None:
        """`within`: levels of candidate pairs of one source, each of which stands for `scale` pairs; `random`: of
        random other pairs of one source; `random_across`: of random pairs of different sources; `sizes`: listings per
        source."""
        self._scale = scale
        self._within, self._random, self._random_across = within, random, random_across
        self._pairs_within = float((sizes * (sizes - 1) / 2).sum())
        self._pairs_across = float((sizes.sum() ** 2 - (sizes**2).sum()) / 2)

    def with_u(self, initial: dict[str, Parameters]) -> dict[str, Parameters]:
        """The parameters with `u` from pairs of one source: candidates as counted, the others as in random pairs.

        For words that each source chooses itself, pairs of one source are not representative, so pairs of different
        sources are counted.
        """
        found = {}
        for column, comparison in enumerate(COMPARISONS):
            count = len(comparison.levels)
            if comparison in _FREE_TEXT_COMPARISONS and len(self._random_across):
                counted = _counts(self._random_across[:, column], count) * self._pairs_across / len(self._random_across)
            else:
                alike, usual = (
                    _counts(self._within[:, column], count) * self._scale,
                    _counts(self._random[:, column], count),
                )
                others = max(0.0, self._pairs_within - len(self._within) * self._scale) / max(len(self._random), 1)
                counted = alike + usual * others
            assumed = np.array(initial[comparison.name].u)
            u = (counted + U_STRENGTH * assumed) / (counted.sum() + U_STRENGTH)
            found[comparison.name] = Parameters(initial[comparison.name].m, rounded(u))
        return found

    def coincidences(self, parameters: dict[str, Parameters]) -> dict[str, float]:
        """`Model.coincidences`: bits by which combinations are more frequent than independent levels would be."""
        counted = np.bincount(combinations_of(self._within), minlength=COMBINATIONS) * self._scale
        expected = np.full(COMBINATIONS, self._pairs_within)
        shape = tuple(len(comparison.levels) + 1 for comparison in TOGETHER)
        levels = np.array(np.unravel_index(np.arange(COMBINATIONS), shape)) - 1
        for comparison, level in zip(TOGETHER, levels, strict=True):
            u = np.array([1.0, *parameters[comparison.name].u])
            expected *= u[level + 1]
        columns = [COMPARISONS.index(comparison) for comparison in TOGETHER]
        which = (self._random[:, columns] != UNKNOWN) @ (1 << np.arange(len(TOGETHER)))
        shares = np.bincount(which, minlength=1 << len(TOGETHER)) / max(len(self._random), 1)
        known = shares[(levels != UNKNOWN).T @ (1 << np.arange(len(TOGETHER)))]
        codes = (
            ("" if code == "-" else code for code in combination_name(at).split("+")) for at in range(COMBINATIONS)
        )
        assumed = np.array([2.0 ** expected_coincidence_bits(*combination) for combination in codes])
        ratio = (counted + COINCIDENCE_STRENGTH * assumed) / (expected * known + COINCIDENCE_STRENGTH)
        return {
            combination_name(number): round(float(np.log2(ratio[number])), DIGITS)
            for number in np.flatnonzero(ratio > 1.05).tolist()
        }

    def without_coincidences(self, across: np.ndarray) -> np.ndarray:
        """The levels of candidates of different sources, minus the number of each kind expected by chance."""
        if not self._pairs_within or not len(across):
            return across
        kinds, by_chance = combine(across, _CHANCE_COMPARISONS), combine(self._within, _CHANCE_COMPARISONS)
        size = int(max(kinds.max(initial=0), by_chance.max(initial=0))) + 1
        counts, expected = np.bincount(kinds, minlength=size), np.bincount(by_chance, minlength=size) * self._scale
        of_kind = np.zeros(size, dtype=np.int64)
        of_kind[kinds] = np.arange(len(kinds))  # any pair of each kind
        expected *= self._ratios()[_known(across[of_kind])]
        left_over = np.maximum(0, counts - expected).astype(int)
        order = np.argsort(kinds.astype(np.int16), kind="stable")
        starts = np.cumsum(counts) - counts
        rank = np.arange(len(across)) - starts[kinds[order]]
        return np.asarray(across[np.sort(order[rank < left_over[kinds[order]]])])

    def _ratios(self) -> np.ndarray:
        """Pairs of different sources per pair of one source, by the combination of known comparisons."""
        usual = self._pairs_across / self._pairs_within
        within, across = _shares_known(self._random), _shares_known(self._random_across)
        return np.where((within > 0) & (across > 0), usual * across / np.maximum(within, LEAST_PRIOR), usual)


def _random_pairs(parsed: ParsedListings, *, within: bool) -> tuple[np.ndarray, np.ndarray]:
    """Random pairs of one source or of different sources; fewer than RANDOM_PAIRS where listings are few."""
    once = np.flatnonzero(~parsed.is_duplicate)
    sources = parsed.source_numbers[once]
    generator = np.random.default_rng(_SEED)
    count = min(RANDOM_PAIRS, len(once) * 50)
    one, other = generator.integers(0, max(len(once), 1), (2, count))
    if within and count:
        sizes = np.bincount(sources)
        chosen = np.searchsorted(np.cumsum(sizes**2), generator.integers(0, (sizes**2).sum(), count), side="right")
        first_of_source = np.cumsum(sizes) - sizes  # listings are in order of source
        one, other = (first_of_source[chosen] + (generator.random(count) * sizes[chosen]).astype(int) for _ in "ab")
    drawn = (one != other) & ((sources[one] == sources[other]) == within)
    return once[np.minimum(one, other)[drawn]], once[np.maximum(one, other)[drawn]]


def _random_levels(comparer: Comparer, parsed: ParsedListings, keys: pl.DataFrame) -> np.ndarray:
    """The levels of random pairs of one source, without candidates."""
    one, other = _random_pairs(parsed, within=True)
    drawn = ~share_a_key(keys, one, other)
    return comparer.compare(one[drawn], other[drawn])


def _shares_known(levels: np.ndarray) -> np.ndarray:
    """The share of pairs by the combination of known comparisons."""
    return np.bincount(_known(levels), minlength=1 << len(_CHANCE_COMPARISONS)) / max(len(levels), 1)


def _known(levels: np.ndarray) -> np.ndarray:
    columns = [COMPARISONS.index(comparison) for comparison in _CHANCE_COMPARISONS]
    return np.asarray((levels[:, columns] != UNKNOWN) @ (1 << np.arange(len(columns))))


def _counts(column: np.ndarray, levels: int) -> np.ndarray:
    return np.bincount(column[column != UNKNOWN], minlength=levels).astype(float)


def _expected_prior(sizes: np.ndarray) -> float:
    """The prior if each two sources share EXPECTED_OVERLAP of the smaller one."""
    one, other = np.triu_indices(len(sizes), 1)
    pairs = float((sizes[one] * sizes[other]).sum())
    if not pairs:
        return 1 / max(float(sizes.sum()), 2.0)
    return _bounded(EXPECTED_OVERLAP * float(np.minimum(sizes[one], sizes[other]).sum()) / pairs)


def _with_prior(model: Model, levels: np.ndarray, sizes: np.ndarray) -> Model:
    """The model with the prior that follows from its own matches among all pairs of different sources."""
    total, squares = sizes.sum(), (sizes**2).sum()
    pairs = max((total**2 - squares) / 2, 1.0)
    bits = model.bits(levels)
    for _ in range(PRIOR_STEPS):
        expected = float(probability_of(bits).sum())
        changed = msgspec.structs.replace(model, prior=_bounded((expected + 1) / (pairs + 2)))
        bits += log2(changed.prior / (1 - changed.prior)) - log2(model.prior / (1 - model.prior))
        model = changed
    return model


def _bounded(prior: float) -> float:
    return rounded(np.array([min(MAX_PRIOR, max(LEAST_PRIOR, prior))]))[0]
