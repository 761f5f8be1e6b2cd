"""Eatigo: slots from the day of the extraction on, on any day of the clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sync_platform.platforms.eatigo import Eatigo
from sync_platform.sandbox.city import City
from sync_platform.sources.scope import Scope

from .replay import OBSERVED_AT, over_sandbox

EATIGO = Eatigo()


def test_promotions_are_requested_from_the_observed_day(city: City) -> None:
    for observed_at, first, last in (
        (datetime(2026, 11, 24, 15, 59, tzinfo=UTC), "2026-11-24", "2026-12-24"),
        (datetime(2026, 11, 24, 16, 0, tzinfo=UTC), "2026-11-25", "2026-12-25"),
    ):
        replayed = over_sandbox(EATIGO, city, observed_at=observed_at)
        asked = [request.url.params for request in replayed.requests if request.url.path.endswith("/promotions")]
        assert {(params["from"], params["to"]) for params in asked} == {(first, last)}


def test_slots_of_a_past_day_are_not_listed(city: City) -> None:
    def days(later: int) -> set[str]:
        replayed = over_sandbox(EATIGO, city, observed_at=OBSERVED_AT + timedelta(days=later))
        return {record["slot_date"] for record in replayed.records("promotions")}

    assert min(days(1)) == "2026-11-25"
    assert days(1) < days(0)


def test_a_delta_asks_for_branches_since_the_watermark_and_for_all_promotions(city: City) -> None:
    since = "2026-11-01T00:00:00Z"
    replayed = over_sandbox(EATIGO, city, scope=Scope("incremental", {"restaurants": since}))
    asked = {(r.url.path.rpartition("/")[2], r.url.params.get("updated_since")) for r in replayed.requests}
    assert asked == {("branches", since), ("promotions", None)}


def test_where_only_ids_are_allowed_only_branches_are_requested(city: City) -> None:
    replayed = over_sandbox(EATIGO, city, datasets=["restaurants"])
    assert {request.url.path for request in replayed.requests} == {"/eatigo/v1/branches"}
