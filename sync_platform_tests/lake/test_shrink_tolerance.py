"""The shrink tolerance: the ordinary losses of lists of any size and after any time pass, and a collapse never does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from sync_platform.lake.shrink_tolerance import ShrinkTolerance, periods_between_lists

NOW = datetime(2026, 9, 21, tzinfo=UTC)


@pytest.mark.parametrize(
    ("share", "periods", "live", "rows"),
    [
        (0.03, 1, 566, 29),  # 17 are expected, and 12 are three standard deviations
        (0.03, 1, 20_000, 673),
        (0.1, 1, 24, 7),
        (0.1, 1, 15, 5),
        (0.1, 2, 1000, 242),
        (0.1, 12, 1000, 333),  # a year: never more than a third
        (0.0, 5, 100, 1),
        (0.1, 1, 2, 1),
        (0.5, 1, 10, 5),  # the declared share itself always counts
    ],
)
def test_more_than_the_share_is_ordinary_in_a_small_list_and_after_a_long_time(
    share: float, periods: float, live: int, rows: int
) -> None:
    assert ShrinkTolerance(share, periods).rows(live) == rows


@pytest.mark.parametrize("live", [4, 5, 8, 30, 100, 1000])
def test_the_loss_of_half_a_list_is_never_ordinary(live: int) -> None:
    assert ShrinkTolerance(0.1, periods=24).rows(live) < live // 2


def test_a_share_without_periods_counts_exactly() -> None:
    assert ShrinkTolerance(0.1).rows(24) == 2
    assert ShrinkTolerance(0.0).rows(24) == 1


def test_the_periods_between_two_lists_are_at_least_one() -> None:
    assert periods_between_lists("weekly", None, NOW) == 1
    assert periods_between_lists("weekly", NOW - timedelta(hours=1), NOW) == 1
    assert periods_between_lists("weekly", NOW - timedelta(days=28), NOW) == 4
    assert periods_between_lists("monthly", NOW - timedelta(days=31), NOW) == 1
