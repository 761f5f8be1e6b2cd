"""What changed between two syncs: the right changes, field by field, with their source, and no personal value."""

from __future__ import annotations

import io
import itertools
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from sync_platform.documents.text import text_of
from sync_platform.errors import UsageError
from sync_platform.lineage.change_difference import LakeDifference
from sync_platform.lineage.change_document import change_document, parts_that_differ
from sync_platform.lineage.change_json import write_changes
from sync_platform.lineage.change_span import scope_between
from sync_platform.lineage.changes import FieldChange
from sync_platform_tests.lake.harness import HISTORY, LakeHarness, diner
from sync_platform_tests.lineage.conftest import VISITORS

SCHEMA = Path(__file__).parents[2] / "sync_platform" / "cli" / "lineage" / "changes.schema.json"
NOW = datetime(2026, 11, 28, 4, 0, tzinfo=UTC)
FIRST, SECOND, THIRD = "sync-00001", "sync-00002", "sync-00003"


@pytest.fixture
def harness(tmp_path: Path) -> Iterator[LakeHarness]:
    """Three syncs: two dishes; one dearer, one new; one gone."""
    harness = LakeHarness(tmp_path)
    harness.sync([{"id": 1, "name": "Rice", "price": 12.5}, {"id": 2, "name": "Tea", "tags": ["hot"]}], 0)
    harness.sync([{"id": 1, "name": "Rice", "price": 14}, {"id": 2, "name": "Tea", "tags": ["hot"]}, {"id": 3}], 1)
    harness.sync([{"id": 2, "name": "Tea", "tags": ["hot"]}, {"id": 3}], 2)
    yield harness
    harness.lake.close()


def text(harness: LakeHarness, since: str, until: str | None = None, limit: int | None = None) -> str:
    with harness.lake.session() as session:
        difference = LakeDifference(session, HISTORY, scope_between(session, since, until, None), limit)
        return text_of(change_document(difference, NOW))


def document(harness: LakeHarness, since: str, until: str | None = None) -> dict[str, Any]:
    file = io.StringIO()
    with harness.lake.session() as session:
        write_changes(LakeDifference(session, HISTORY, scope_between(session, since, until, None)), file, NOW)
    answer: dict[str, Any] = json.loads(file.getvalue())
    Draft202012Validator(json.loads(SCHEMA.read_text())).validate(answer)
    return answer


def test_between_two_syncs_are_the_changes_of_the_second(harness: LakeHarness) -> None:
    answer = document(harness, FIRST, SECOND)
    updated, inserted = sorted(answer["changes"], key=lambda change: change["entity_id"])
    assert (updated["operation"], inserted["operation"], answer["count"], answer["total"]) == ("update", "insert", 2, 2)
    assert updated["fields"] == [{"field": "price_hkd", "before": 12.5, "after": 14.0}]
    assert updated["sync_id"] == SECOND
    assert updated["landing_object"] and updated["landing_line"] == 1
    (counts,) = answer["tables"]
    assert (counts["table"], counts["updated"], counts["fields"]) == ("diner.dishes", 1, {"price_hkd": 1})


def test_people_read_before_and_after_with_the_source_and_the_sync(harness: LakeHarness) -> None:
    text_shown = text(harness, FIRST)
    assert "diner.dishes 1 “Rice”: changed" in text_shown
    assert "  price_hkd: 12.5 → 14.0\n  source: landing/diner/dishes/2026-11/sync-00002/" in text_shown
    assert "diner.dishes 1 “Rice”: removed" in text_shown
    assert f"sync {THIRD}" in text_shown


def test_the_first_changes_are_shown_and_the_rest_is_counted(harness: LakeHarness) -> None:
    text_shown = text(harness, "2026-01-01", limit=2)
    assert text_shown.count("source: ") == 2
    assert "The first 2 of 5 changes" in text_shown


def test_a_span_without_a_change_says_so(harness: LakeHarness) -> None:
    assert "nothing changed" in text(harness, THIRD)
    assert document(harness, THIRD)["changes"] == []


def test_a_moment_and_a_sync_bound_the_span_alike(harness: LakeHarness) -> None:
    ((second,),) = harness.ask(f"SELECT committed_at FROM sync.runs WHERE sync_id = '{SECOND}'")
    assert document(harness, second.isoformat(), SECOND)["count"] == 2
    after = document(harness, (second + timedelta(microseconds=1)).isoformat(), THIRD)
    assert after["changes"] == document(harness, SECOND, THIRD)["changes"] != []


@pytest.mark.parametrize(
    ("since", "until", "words"),
    [
        ("20261128T110123.943372Z-384bcf", None, "there is no such sync"),
        ("yesterday", None, "neither a day"),
        (SECOND, FIRST, "lies after"),
    ],
)
def test_a_wrong_span_is_refused(harness: LakeHarness, since: str, until: str | None, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        text(harness, since, until)


def test_a_personal_value_is_never_shown(tmp_path: Path) -> None:
    harness = LakeHarness(tmp_path, diner(dataset=VISITORS), itertools.count(1))
    harness.sync([{"id": 1, "name": "Chan Tai Man"}], 0)
    harness.sync([{"id": 1, "name": "Wong Siu Ming"}], 1)
    shown, found = text(harness, FIRST), document(harness, FIRST)
    harness.lake.close()
    assert "name: another sealed value" in shown
    assert found["changes"][0]["fields"] == [{"field": "name", "before": "sealed", "after": "sealed"}]
    assert not {word for word in ("Siu Ming", "Tai Man", "sealed:v1") if word in shown + json.dumps(found)}


def test_of_an_object_only_the_parts_that_differ_are_shown() -> None:
    before = {"status": {"value": "open", "rule": "newest"}, "name": {"value": "A"}}
    after = {"status": {"value": "closed", "rule": "newest"}, "name": {"value": "A"}, "phone": {"value": "1"}}
    parts = [*parts_that_differ(FieldChange("why", before, after))]
    assert [(part.field, part.before, part.after) for part in parts] == [
        ("why.status.value", "open", "closed"),
        ("why.phone", None, {"value": "1"}),
    ]
