"""A list that has a short page, or that moves while it is read: nothing is lost, and nothing is wrongly retired."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .altering_transport import SHAPES, AlteringTransport, at, in_every_body
from .harness import FaultHarness


def test_a_venue_that_a_short_page_leaves_out_stays_live(harness_of: Callable[..., FaultHarness]) -> None:
    harness, shape = harness_of("bistrochat"), SHAPES["bistrochat"]
    pages: list[list[Any]] = []
    left_out: set[str] = set()

    def shorten_second(body: Any) -> None:
        pages.append(at(body, shape.records))
        if len(pages) == 2:
            left_out.add(str(pages[1].pop()[shape.key]))

    extracted = harness.extract(1, transport=AlteringTransport(shape.path, in_every_body(shorten_second)))
    verdict = harness.verdict(extracted, in_a_lake=True)
    assert left_out
    assert verdict.received[0].rows.keys() == harness.then["restaurants"].keys() - left_out
    assert not verdict.violations, "\n".join(verdict.violations)


def test_a_branch_that_moves_to_a_page_that_was_read_is_found_by_a_second_read(
    harness_of: Callable[..., FaultHarness],
) -> None:
    """After page 1 is read, a branch moves from page 2 to page 1, whose last branch is then listed on page 2 again."""
    harness, shape = harness_of("eatigo"), SHAPES["eatigo"]
    pages: list[list[Any]] = []

    def move_on_second(body: Any) -> None:
        pages.append(at(body, shape.records))
        if len(pages) == 2:
            pages[1][0] = pages[0][-1]

    extracted = harness.extract(1, transport=AlteringTransport(shape.path, in_every_body(move_on_second)))
    verdict = harness.verdict(extracted)
    assert pages[1][0] == pages[0][-1]
    assert verdict.received[0].rows == harness.then["restaurants"]
    assert not verdict.violations, "\n".join(verdict.violations)
    assert verdict.is_complete
