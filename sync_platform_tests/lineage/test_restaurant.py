"""The story of a restaurant through mergers, splits, decisions and their withdrawal."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sync_platform.errors import StorageError, UsageError
from sync_platform.lineage.retention import close_lineage
from sync_platform.lineage.story_json import story_json
from sync_platform_tests.unified.harness import HISTORY, UnificationHarness, place, settle

from .reader import restaurant, text_of_story


@pytest.fixture
def harness(tmp_path: Path) -> Iterator[UnificationHarness]:
    harness = UnificationHarness(tmp_path)
    settle(harness, 24)
    yield harness
    harness.lake.close()


def test_a_new_restaurant_has_its_listings_and_the_source_of_every_field(harness: UnificationHarness) -> None:
    harness.unify()
    name = harness.restaurants()["chope", "c3"]
    story = restaurant(harness, name)
    assert [event.kind for event in story.events] == ["founded"]
    assert [member.listing for member in story.memberships] == ["chope/c3", "openrice/o3"]
    assert all(member.evidence and member.evidence.probability > 0.9 for member in story.memberships)
    fields = {each.field: each for each in story.fields}
    assert fields["name_en"].value == place(3)["name_en"]
    assert [claim.listing for claim in fields["name_en"].claims] == ["openrice/o3", "chope/c3"]
    assert {claim.listing for claim in fields["status"].sources} == {"chope/c3", "openrice/o3"}
    (revision,) = story.revisions
    assert {each.field for each in revision.fields} == set(fields) - {"rating", "review_count"}


def test_a_change_of_a_field_names_the_source_and_the_listings_that_differ(harness: UnificationHarness) -> None:
    harness.unify()
    name = harness.restaurants()["chope", "c3"]
    harness.list("openrice", "o3", **place(3, phone="31234567"), status="open", phones=["31234567"])
    harness.unify()
    story = restaurant(harness, name, "phone")
    (change,) = story.revisions[-1].fields
    assert change.provenance is not None
    before = f"+852{place(3)['phone']}"
    assert (change.before, change.provenance.value) == (before, "+85231234567")
    assert [claim.listing for claim in change.provenance.sources] == ["openrice/o3"]
    assert [(claim.listing, claim.agrees) for claim in change.provenance.others] == [("chope/c3", False)]
    text = text_of_story(story)
    assert f"chope/c3 differs: “{place(3)['phone']}”" in text
    assert "Only the field: phone" in text
    earlier = restaurant(harness, name, "phone", story.revisions[0].change.committed_at)
    assert [each.value for each in earlier.fields] == [before]


def test_the_story_has_mergers_splits_and_the_decisions_behind_them(harness: UnificationHarness) -> None:
    harness.unify()
    ids = harness.restaurants()
    harness.unify((ids["chope", "c1"], ids["chope", "c2"], "same"))
    stays = harness.restaurants()["chope", "c1"]
    gone = ({ids["chope", "c1"], ids["chope", "c2"]} - {stays}).pop()
    story = restaurant(harness, gone)
    assert (story.asked, story.merged_through, story.restaurant_id) == (gone, (gone,), stays)
    assert len(story.memberships) == 4
    assert {each.verdict for each in story.decisions} == {"same"}
    text = text_of_story(story)
    assert f"{gone} was merged; this is the restaurant that it is in." in text
    assert f"{gone} was merged into it, with chope/" in text
    assert "ada decided that" in text
    before = restaurant(harness, gone, as_of=story.revisions[0].change.committed_at)
    assert (before.restaurant_id, len(before.memberships), before.decisions) == (gone, 2, ())
    pairs = {(each.one, each.other) for each in story.decisions}
    harness.unify(*((one, other, "withdrawn") for one, other in pairs))
    apart = restaurant(harness, stays)
    assert sorted(member.went_to or "" for member in apart.memberships) == ["", "", gone, gone]
    assert [each.verdict for each in apart.decisions].count("withdrawn") == len(pairs)
    assert "the decision on" in text_of_story(apart)
    assert restaurant(harness, gone).restaurant_id == gone


def test_the_story_says_that_a_listing_or_its_record_was_removed(harness: UnificationHarness) -> None:
    harness.unify()
    name = harness.restaurants()["chope", "c3"]
    harness.retire("openrice", "o3")
    harness.unify()
    assert "openrice/o3 (restaurants), no longer listed by the platform" in text_of_story(restaurant(harness, name))
    harness.forget("openrice", "o3")
    harness.forget("chope", "c3")
    harness.unify()
    story = restaurant(harness, name)
    assert story.has_ended
    assert all(member.until is not None for member in story.memberships)
    assert "It has ended" in text_of_story(story)


def test_a_restaurant_or_a_field_that_does_not_exist_is_bad_usage(harness: UnificationHarness) -> None:
    with pytest.raises(StorageError, match="nothing is unified yet"):
        restaurant(harness, "rest-x")
    harness.unify()
    name = harness.restaurants()["chope", "c3"]
    first = restaurant(harness, name).revisions[0].change.committed_at
    with pytest.raises(UsageError, match="there is no restaurant rest-x"):
        restaurant(harness, "rest-x")
    with pytest.raises(UsageError, match="has no field 'colour'; it has name_en"):
        restaurant(harness, name, "colour")
    with pytest.raises(UsageError, match="was not known then: it was founded"):
        restaurant(harness, name, as_of=first.replace(year=2020))
    assert {each.field for each in restaurant(harness, name, "latitude").fields} == {"location"}


def test_the_json_of_a_story_has_every_change_that_it_refers_to(harness: UnificationHarness) -> None:
    harness.unify()
    document = story_json(restaurant(harness, harness.restaurants()["chope", "c3"]))
    assert {field["field"] for field in document["fields"]} >= {"name_en", "location", "status"}
    assert document["changes"] == []  # nothing is landed in this harness


def test_after_retention_every_field_still_has_its_source(harness: UnificationHarness) -> None:
    harness.unify()
    name = harness.restaurants()["chope", "c3"]
    for phone in ("31234567", "31234568"):
        harness.list("openrice", "o3", **place(3, phone=phone), status="open", phones=[phone])
        harness.unify(("openrice/o1", "chope/c1", "different"))
    before = restaurant(harness, name)
    close_lineage(harness.lake, HISTORY, datetime.now(UTC), "run-of-maintenance")
    after = restaurant(harness, name)
    assert [(each.field, each.value, each.rule) for each in after.fields] == [
        (each.field, each.value, each.rule) for each in before.fields
    ]
    assert {member.listing for member in after.memberships} == {member.listing for member in before.memberships}
    assert len(after.revisions) == 2 < len(before.revisions)
    text = text_of_story(after)
    assert "phone: nothing → “+85231234568”" in text
    decisions = restaurant(harness, harness.restaurants()["chope", "c1"]).decisions
    assert {(each.verdict, each.reason, each.decided_by) for each in decisions} == {("different", "as seen", "ada")}
