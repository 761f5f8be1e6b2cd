"""Decisions teach the model: held-out decisions become less surprising, and few decisions change little."""

from __future__ import annotations

import numpy as np
import pytest

from sync_platform.matching.comparisons import COMPARISONS, NAME, PLACE, UNKNOWN
from sync_platform.matching.decided_pairs import Decision
from sync_platform.matching.frequencies import Frequencies
from sync_platform.matching.learning import LEAST_DECISIONS, is_outdated, log_loss_bits, taught_model
from sync_platform.matching.linkage import link
from sync_platform.matching.model import Model, initial_parameters, read_model, write_model

from .conftest import LinkedCity


@pytest.fixture(scope="module")
def decided(city: LinkedCity) -> tuple[np.ndarray, np.ndarray]:
    """The levels of the unclear pairs of a city, as a person would get them to decide, and the truth of each."""
    linkage = city.linkage
    unclear = np.flatnonzero((linkage.probabilities > 0.005) & (linkage.probabilities < 0.995))
    pairs = zip(linkage.left[unclear].tolist(), linkage.right[unclear].tolist(), strict=True)
    same = [city.places[city.keys[one]] == city.places[city.keys[other]] for one, other in pairs]
    return linkage.levels[unclear], np.array(same, dtype=bool)


def test_held_out_decisions_are_less_surprising_after_learning(
    city: LinkedCity, decided: tuple[np.ndarray, np.ndarray]
) -> None:
    levels, same = decided
    half = np.random.default_rng(852).permutation(len(same)) < len(same) // 2
    before, after = city.linkage.model, taught_model(city.linkage.model, levels[half], same[half])
    gain = log_loss_bits(before, levels[~half], same[~half]) - log_loss_bits(after, levels[~half], same[~half])
    wrong = [int(((model.bits(levels[~half]) > 0) != same[~half]).sum()) for model in (before, after)]
    print(f"{half.sum()} decisions teach; {(~half).sum()} others: {gain:.3f} bits each, errors {wrong}")
    assert gain > 0
    assert wrong[1] <= wrong[0]


def _levels(name: str, place: str, count: int) -> np.ndarray:
    levels = np.full((count, len(COMPARISONS)), UNKNOWN, dtype=np.int8)
    levels[:, COMPARISONS.index(NAME)], levels[:, COMPARISONS.index(PLACE)] = NAME.number(name), PLACE.number(place)
    return levels


def test_decisions_change_the_pairs_that_are_like_the_decided_ones() -> None:
    model = Model(0.001, initial_parameters(), Frequencies())
    levels = _levels("same_shared", "unlike_unit", 40)
    after = taught_model(model, levels, np.ones(40, dtype=bool))
    assert after.bits(levels)[0] > model.bits(levels)[0] + 1
    assert after.lessons.shift_bits > 0
    assert read_model(write_model(after)) == after


def test_few_decisions_teach_nothing() -> None:
    model = Model(0.001, initial_parameters(), Frequencies())
    levels = _levels("same", "unit", LEAST_DECISIONS - 1)
    assert (taught_model(model, levels, np.zeros(len(levels), dtype=bool)).bits(levels) == model.bits(levels)).all()


def test_a_model_is_outdated_after_many_more_decisions() -> None:
    model = taught_model(
        Model(0.001, initial_parameters(), Frequencies()), _levels("same", "unit", 12), np.ones(12, dtype=bool)
    )
    assert not is_outdated(model, 12 + LEAST_DECISIONS - 1)
    assert is_outdated(model, 12 + LEAST_DECISIONS)


def test_an_estimated_model_learns_from_decisions_between_sources(small_city: LinkedCity) -> None:
    by_place: dict[str, list[tuple[str, str]]] = {}
    for key in small_city.keys:
        by_place.setdefault(small_city.places[key], []).append(key)
    groups = [keys for keys in by_place.values() if len({source for source, _ in keys}) > 1][:LEAST_DECISIONS]
    decisions = [Decision(keys[0], next(key for key in keys if key[0] != keys[0][0]), same=True) for keys in groups]
    one_source = Decision(("openrice", "1"), ("openrice", "2"), same=False)
    model = link(small_city.listings, decisions=[*decisions, one_source]).model
    assert model.lessons.decisions == LEAST_DECISIONS
    assert any(any(weights) for weights in model.lessons.weights.values())
