"""The story of a restaurant through mergers, splits, decisions and their withdrawal."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sync_platform.errors import StorageError, UsageError
from sync_platform.lineage.retention import close_lineage
from sync_platform.lineage.story_json import story_json
from sync_platform_tests.unified.town import HISTORY, Town, place, settle

from .reader import restaurant, text_of_story


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    town = Town(tmp_path)
    settle(town, 24)
    yield town
    town.lake.close()


def test_a_new_restaurant_has_its_listings_and_the_source_of_every_field(town: Town) -> None:
    town.unify()
    name = town.restaurants()["chope", "c3"]
    story = restaurant(town, name)
    assert [event.kind for event in story.events] == ["founded"]
    assert [member.listing for member in story.memberships] == ["chope/c3", "openrice/o3"]
    assert all(member.evidence and member.evidence.probability > 0.9 for member in story.memberships)
    fields = {each.field: each for each in story.fields}
    assert fields["name_en"].value == place(3)["name_en"]
    assert [claim.listing for claim in fields["name_en"].claims] == ["openrice/o3", "chope/c3"]
    assert {claim.listing for claim in fields["status"].sources} == {"chope/c3", "openrice/o3"}
    (revision,) = story.revisions
    assert {each.field for each in revision.fields} == set(fields) - {"rating", "review_count"}


def test_a_change_of_a_field_names_the_source_and_the_listings_that_differ(town: Town) -> None:
    town.unify()
    name = town.restaurants()["chope", "c3"]
    town.list("openrice", "o3", **place(3, phone="31234567"), status="open", phones=["31234567"])
    town.unify()
    story = restaurant(town, name, "phone")
    (change,) = story.revisions[-1].fields
    assert change.provenance is not None
    assert (change.before, change.provenance.value) == (place(3)["phone"], "31234567")
    assert [claim.listing for claim in change.provenance.sources] == ["openrice/o3"]
    assert [(claim.listing, claim.agrees) for claim in change.provenance.others] == [("chope/c3", False)]
    text = text_of_story(story)
    assert f"chope/c3 differs: “{place(3)['phone']}”" in text
    assert "Only the field: phone" in text
    earlier = restaurant(town, name, "phone", story.revisions[0].change.committed_at)
    assert [each.value for each in earlier.fields] == [place(3)["phone"]]


def test_the_story_has_mergers_splits_and_the_decisions_behind_them(town: Town) -> None:
    town.unify()
    ids = town.restaurants()
    town.unify((ids["chope", "c1"], ids["chope", "c2"], "same"))
    stays = town.restaurants()["chope", "c1"]
    gone = ({ids["chope", "c1"], ids["chope", "c2"]} - {stays}).pop()
    story = restaurant(town, gone)
    assert (story.asked, story.merged_through, story.restaurant_id) == (gone, (gone,), stays)
    assert len(story.memberships) == 4
    assert {each.verdict for each in story.decisions} == {"same"}
    text = text_of_story(story)
    assert f"{gone} was merged; this is the restaurant that it is in." in text
    assert f"{gone} was merged into it, with chope/" in text
    assert "ada decided that" in text
    before = restaurant(town, gone, as_of=story.revisions[0].change.committed_at)
    assert (before.restaurant_id, len(before.memberships), before.decisions) == (gone, 2, ())
    pairs = {(each.one, each.other) for each in story.decisions}
    town.unify(*((one, other, "withdrawn") for one, other in pairs))
    apart = restaurant(town, stays)
    assert sorted(member.went_to or "" for member in apart.memberships) == ["", "", gone, gone]
    assert [each.verdict for each in apart.decisions].count("withdrawn") == len(pairs)
    assert "the decision on" in text_of_story(apart)
    assert restaurant(town, gone).restaurant_id == gone


def test_the_story_says_that_a_listing_or_its_record_was_removed(town: Town) -> None:
    town.unify()
    name = town.restaurants()["chope", "c3"]
    town.retire("openrice", "o3")
    town.unify()
    assert "openrice/o3 (restaurants), no longer listed by the platform" in text_of_story(restaurant(town, name))
    town.forget("openrice", "o3")
    town.forget("chope", "c3")
    town.unify()
    story = restaurant(town, name)
    assert story.has_ended
    assert all(member.until is not None for member in story.memberships)
    assert "It has ended" in text_of_story(story)


def test_a_restaurant_or_a_field_that_does_not_exist_is_bad_usage(town: Town) -> None:
    with pytest.raises(StorageError, match="nothing is unified yet"):
        restaurant(town, "rest-x")
    town.unify()
    name = town.restaurants()["chope", "c3"]
    first = restaurant(town, name).revisions[0].change.committed_at
    with pytest.raises(UsageError, match="there is no restaurant rest-x"):
        restaurant(town, "rest-x")
    with pytest.raises(UsageError, match="has no field 'colour'; it has name_en"):
        restaurant(town, name, "colour")
    with pytest.raises(UsageError, match="was not known then: it was founded"):
        restaurant(town, name, as_of=first.replace(year=2020))
    assert {each.field for each in restaurant(town, name, "latitude").fields} == {"location"}


def test_the_json_of_a_story_has_every_change_that_it_refers_to(town: Town) -> None:
    town.unify()
    document = story_json(restaurant(town, town.restaurants()["chope", "c3"]))
    assert {field["field"] for field in document["fields"]} >= {"name_en", "location", "status"}
    assert document["changes"] == []  # nothing is landed in this town


def test_after_retention_every_field_still_has_its_source(town: Town) -> None:
    town.unify()
    name = town.restaurants()["chope", "c3"]
    for phone in ("31234567", "31234568"):
        town.list("openrice", "o3", **place(3, phone=phone), status="open", phones=[phone])
        town.unify(("openrice/o1", "chope/c1", "different"))
    before = restaurant(town, name)
    close_lineage(town.lake, HISTORY, datetime.now(UTC), "run-of-maintenance")
    after = restaurant(town, name)
    assert [(each.field, each.value, each.rule) for each in after.fields] == [
        (each.field, each.value, each.rule) for each in before.fields
    ]
    assert {member.listing for member in after.memberships} == {member.listing for member in before.memberships}
    assert len(after.revisions) == 2 < len(before.revisions)
    text = text_of_story(after)
    assert "phone: nothing → “31234568”" in text
    decisions = restaurant(town, town.restaurants()["chope", "c1"]).decisions
    assert {(each.verdict, each.reason, each.decided_by) for each in decisions} == {("different", "as seen", "ada")}
