"""The same failure has the same cause on every platform and every day, and another failure has another cause."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sync_platform.monitoring.failure_cause import LONGEST, cause_of
from sync_platform_tests.monitoring.recorded_syncs import PLATFORMS

REASONS: dict[str, list[tuple[str, str]]] = json.loads(Path(__file__).with_name("failure_reasons.json").read_text())
"""By cause, platforms and the reasons that syncs recorded under the faults of the sandbox."""


@pytest.mark.parametrize("cause", REASONS)
def test_reasons_of_one_kind_have_one_cause(cause: str) -> None:
    for platform, reason in REASONS[cause]:
        names = [platform, *(each.name for each in PLATFORMS[platform].datasets)]
        assert cause_of(reason, names) == cause


def test_the_names_of_platform_and_datasets_are_left_out() -> None:
    words = "of 34 restaurants 15 came, and what belongs to the others is missing"
    assert (
        cause_of(words, ["openrice", "restaurants", "reviews"])
        == "of … came, and what belongs to the others is missing"
    )


@pytest.mark.parametrize("reason", ["", "7", "x" * 5000, "http://h/" + "a/" * 5000, "(" * 4000, "line\nline"])
def test_every_reason_has_a_cause_of_bounded_length(reason: str) -> None:
    assert 1 <= len(cause_of(reason)) <= LONGEST
