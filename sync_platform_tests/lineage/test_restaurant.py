"""The story of restaurants through mergers, splits, decisions and changes of mind."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sync_platform.errors import StorageError, UsageError
from sync_platform.lineage.chapters import telling_of
from sync_platform.lineage.document import story_document
from sync_platform.lineage.retention import close_lineage
from sync_platform.lineage.text import text_of
from sync_platform_tests.unified.town import HISTORY, Town, place, settle

from .reader import restaurant


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    town = Town(tmp_path)
    settle(town, 24)
    yield town
    town.lake.close()


def test_a_new_restaurant_is_told_with_its_listings_and_every_word_of_its_record(town: Town) -> None:
    town.unify()
    name = town.restaurants()["chope", "c3"]
    story = restaurant(town, name)
    assert [turning.kind for turning in story.turnings] == ["founded"]
    assert [stay.listing for stay in story.stays] == ["chope/c3", "openrice/o3"]
    assert all(stay.evidence and stay.evidence.probability > 0.9 for stay in story.stays)
    said = {verdict.field: verdict for verdict in story.fields}
    assert said["name_en"].value == place(3)["name_en"]
    assert [voice.listing for voice in said["name_en"].voices] == ["openrice/o3", "chope/c3"]
    assert {voice.listing for voice in said["status"].said_by} == {"chope/c3", "openrice/o3"}
    (revision,) = story.revisions
    assert {turn.field for turn in revision.turns} == set(said) - {"rating", "review_count"}


def test_a_change_of_a_field_is_told_with_who_wins_and_who_loses(town: Town) -> None:
    town.unify()
    name = town.restaurants()["chope", "c3"]
    town.list("openrice", "o3", **place(3, phone="31234567"), status="open", phones=["31234567"])
    town.unify()
    story = restaurant(town, name, "phone")
    (turn,) = story.revisions[-1].turns
    assert turn.verdict is not None
    assert (turn.before, turn.verdict.value) == (place(3)["phone"], "31234567")
    assert [voice.listing for voice in turn.verdict.said_by] == ["openrice/o3"]
    assert [(voice.listing, voice.agrees) for voice in turn.verdict.others] == [("chope/c3", False)]
    told = text_of(telling_of(story))
    assert f"chope/c3 says otherwise: “{place(3)['phone']}”" in told
    assert "Only of its field phone." in told
    earlier = restaurant(town, name, "phone", story.revisions[0].change.committed_at)
    assert [verdict.value for verdict in earlier.fields] == [place(3)["phone"]]


def test_mergers_and_splits_and_the_decisions_behind_them_are_told(town: Town) -> None:
    town.unify()
    ids = town.restaurants()
    town.unify((ids["chope", "c1"], ids["chope", "c2"], "same"))
    stays = town.restaurants()["chope", "c1"]
    gone = ({ids["chope", "c1"], ids["chope", "c2"]} - {stays}).pop()
    story = restaurant(town, gone)
    assert (story.asked, story.merged_through, story.restaurant_id) == (gone, (gone,), stays)
    assert len(story.stays) == 4
    assert {said.verdict for said in story.said} == {"same"}
    told = text_of(telling_of(story))
    assert f"{gone} was merged; this is the restaurant that it is in." in told
    assert f"{gone} was merged into it, with chope/" in told
    assert "ada decided that" in told
    before = restaurant(town, gone, as_of=story.revisions[0].change.committed_at)
    assert (before.restaurant_id, len(before.stays), before.said) == (gone, 2, ())
    pairs = {(said.one, said.other) for said in story.said}
    town.unify(*((one, other, "withdrawn") for one, other in pairs))
    apart = restaurant(town, stays)
    assert sorted(stay.went_to or "" for stay in apart.stays) == ["", "", gone, gone]
    assert [said.verdict for said in apart.said].count("withdrawn") == len(pairs)
    assert "what was decided on" in text_of(telling_of(apart))
    assert restaurant(town, gone).restaurant_id == gone


def test_a_listing_that_is_gone_and_one_whose_record_is_gone_are_told(town: Town) -> None:
    town.unify()
    name = town.restaurants()["chope", "c3"]
    town.retire("openrice", "o3")
    town.unify()
    assert "openrice/o3 (restaurants), which the platform lists no more" in text_of(telling_of(restaurant(town, name)))
    town.forget("openrice", "o3")
    town.forget("chope", "c3")
    town.unify()
    story = restaurant(town, name)
    assert story.has_ended
    assert all(stay.until is not None for stay in story.stays)
    assert "It has ended" in text_of(telling_of(story))


def test_what_a_restaurant_has_not_is_said(town: Town) -> None:
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
    assert {verdict.field for verdict in restaurant(town, name, "latitude").fields} == {"location"}


def test_the_document_of_a_story_names_every_change_that_it_refers_to(town: Town) -> None:
    town.unify()
    document = story_document(restaurant(town, town.restaurants()["chope", "c3"]))
    assert {field["field"] for field in document["fields"]} >= {"name_en", "location", "status"}
    assert document["changes"] == []  # a town lands nothing


def test_what_is_left_after_retention_still_tells_whose_word_every_field_is(town: Town) -> None:
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
    assert {stay.listing for stay in after.stays} == {stay.listing for stay in before.stays}
    assert len(after.revisions) == 2 < len(before.revisions)
    told = text_of(telling_of(after))
    assert "phone: nothing → “31234568”" in told
    said = restaurant(town, town.restaurants()["chope", "c1"]).said
    assert {(each.verdict, each.reason, each.decided_by) for each in said} == {("different", "as seen", "ada")}
