"""How much of a dataset is known to be missing, and which of its parts were read whole."""

from __future__ import annotations

import pytest

from sync_platform.landing.completeness import ReadParts, ReceivedCounts, completeness_of
from sync_platform.sources.gaps import Gaps, Parts

CAME = ReceivedCounts(pages=99, distinct_ids=990, without_id=0)
FINDING = ["7: it lists nothing"]


def parts(unread: int, read: int) -> Parts:
    return Parts({f"read {number}" for number in range(read)}, {f"unread {number}" for number in range(unread)})


@pytest.mark.parametrize(
    ("gaps", "share"),
    [
        (Gaps(pages_expected=99, claimed=990), 0.0),
        (Gaps(pages_expected=100), 0.01),
        (Gaps(pages_expected=100, failures=["broke"]), 0.01),
        (Gaps(pages_expected=99, claimed=1_000), 0.01),
        (Gaps(pages_expected=99, part_findings=FINDING, parts=parts(1, 199)), 0.005),
        (Gaps(pages_expected=100, failures=["broke"], parts=parts(4, 96)), 0.04),
        # districts of a capped search differ in size, so the records that they lack are counted
        (Gaps(pages_expected=99, claimed=1_000, capped_slices=["1001: 990 of 1,000"], parts=parts(1, 17)), 0.01),
        (Gaps(pages_expected=99, claimed=1_000, omitted_ids=["a"] * 20), 0.02),
    ],
)
def test_the_largest_missing_share_of_pages_parts_and_records_counts(gaps: Gaps, share: float) -> None:
    assert completeness_of(gaps, CAME).missing_share == pytest.approx(share)


@pytest.mark.parametrize(
    "gaps",
    [
        Gaps(pages_expected=99, findings=["the cursor never ends"]),
        Gaps(pages_expected=99, capped_slices=["1001: 250 of an unknown number"]),
        Gaps(pages_expected=99, omitted_ids=["a"]),
        Gaps(pages_expected=99, part_findings=FINDING),
    ],
)
def test_no_share_is_known_where_a_gap_has_no_size(gaps: Gaps) -> None:
    assert completeness_of(gaps, CAME).missing_share is None


def test_no_share_is_known_where_no_page_came() -> None:
    assert completeness_of(Gaps(pages_expected=1, failures=["broke"]), ReceivedCounts(0, 0, 0)).missing_share is None


def test_records_without_an_id_came_and_what_belongs_to_them_is_missing() -> None:
    completeness = completeness_of(Gaps(pages_expected=1, claimed=10), ReceivedCounts(1, 9, 1))
    assert (completeness.reasons, completeness.missing_share) == ([], 0.1)


@pytest.mark.parametrize("share", [0.25, None])
def test_records_of_missing_parents_are_missing_in_the_share_of_the_parents(share: float | None) -> None:
    gaps = Gaps(pages_expected=99, parent="restaurants", missing_parents="what belongs to them is missing too")
    assert completeness_of(gaps, CAME, share).missing_share == share


def test_a_complete_list_names_no_parts() -> None:
    assert completeness_of(Gaps(pages_expected=99, parts=parts(0, 5)), CAME).parts is None


def test_a_list_of_all_parts_names_only_the_unread_ones() -> None:
    known = Parts({"a", "b"}, {"c"}, are_all_known=True)
    gaps = Gaps(pages_expected=99, part_findings=FINDING, parts=known)
    assert completeness_of(gaps, CAME).parts == ReadParts(["c"])
    known.are_all_known = False
    assert completeness_of(gaps, CAME).parts == ReadParts(["c"], ["a", "b"])
