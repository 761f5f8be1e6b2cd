"""The compliance export is complete, in order, valid by its published schema, and needs little memory."""

from __future__ import annotations

import csv
import io
import json
import tracemalloc
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from sync_platform.lineage.change_export import ExportScope, Form, schema, write_export
from sync_platform_tests.lake.harness import HISTORY, LakeHarness
from sync_platform_tests.unified.harness import BEGIN

from .reader import dish, history_of

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def harness(tmp_path: Path) -> Iterator[LakeHarness]:
    harness = LakeHarness(tmp_path)
    harness.sync([{"id": 1, "name": "=cmd|' /C calc'!A0"}, {"id": 2, "name": "Rice", "tags": ["a", "b"]}], 0)
    harness.sync([{"id": 2, "name": "Rice", "price": 12.5}], 1)
    yield harness
    harness.lake.close()


def exported(harness: LakeHarness, form: Form, span: ExportScope | None = None) -> str:
    file = io.StringIO(newline="")
    with history_of(harness) as history:
        write_export(history, span or ExportScope(), form, file, BEGIN)
    return file.getvalue()


def document(harness: LakeHarness, span: ExportScope | None = None) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(exported(harness, "json", span))
    Draft202012Validator(schema()).validate(answer)
    return answer


def test_the_schema_is_one_and_is_published() -> None:
    Draft202012Validator.check_schema(schema())
    assert json.loads((DOCS / "lineage-export.schema.json").read_text()) == schema()


def test_a_document_has_every_change_with_its_origin(harness: LakeHarness) -> None:
    answer = document(harness)
    changes = [(change["operation"], change["entity_id"]) for change in answer["changes"]]
    assert sorted(changes[:2]) == [("insert", "1"), ("insert", "2")]
    assert sorted(changes[2:]) == [("remove", "1"), ("update", "2")]
    assert answer["count"] == 4
    states = {change["operation"]: change["origin"] and change["origin"]["state"] for change in answer["changes"]}
    assert states == {"insert": "intact", "update": "intact", "remove": None}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda answer: answer.pop("count"),
        lambda answer: answer["changes"][0].pop("origin"),
        lambda answer: answer["changes"][0].update(operation="rewrite"),
        lambda answer: answer["changes"][0]["origin"].update(object_sha256="?"),
        lambda answer: answer["changes"][0]["origin"]["pages"][0].update(sha256=None),
    ],
)
def test_the_schema_refuses_a_changed_document(harness: LakeHarness, spoil: Any) -> None:
    answer = document(harness)
    spoil(answer)
    assert not Draft202012Validator(schema()).is_valid(answer)


def test_the_csv_has_the_same_changes_and_no_formula(harness: LakeHarness) -> None:
    rows = list(csv.DictReader(io.StringIO(exported(harness, "csv"), newline="")))
    assert [row["entity_id"] for row in rows] == [change["entity_id"] for change in document(harness)["changes"]]
    assert json.loads(next(row for row in rows if row["entity_id"] == "1")["after"])["name"] == "=cmd|' /C calc'!A0"
    assert all(not cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row.values())
    assert {row["object_state"] for row in rows} == {"intact", ""}


def test_a_span_has_what_was_committed_in_it_both_ends_included(harness: LakeHarness) -> None:
    first, last = (traced.change.committed_at for traced in dish(harness, "2").changes)
    least = timedelta(microseconds=1)
    assert document(harness, ExportScope(first, first))["count"] == 2
    assert document(harness, ExportScope(first + least, last))["count"] == 2
    assert document(harness, ExportScope(last=first - least))["count"] == 0
    assert document(harness, ExportScope(platform="diner"))["count"] == 4
    assert document(harness, ExportScope(platform="tea"))["changes"] == []


def test_ciphertext_of_personal_values_is_not_exported(harness: LakeHarness) -> None:
    with harness.lake.session() as session:
        session.execute(f"UPDATE {HISTORY} SET after = replace(after::VARCHAR, 'Rice', 'sealed:v1:subject:text')::JSON")
    text = exported(harness, "json")
    assert "subject" not in text
    assert '"name":"sealed"' in text


@pytest.mark.full
def test_memory_does_not_grow_with_the_changes(harness: LakeHarness) -> None:
    def peak() -> tuple[int, int]:
        class Counted(io.StringIO):
            written = 0

            def write(self, text: str) -> int:
                Counted.written += len(text)
                return len(text)

        tracemalloc.start()
        with history_of(harness) as history:
            write_export(history, ExportScope(), "json", Counted(), BEGIN)
        peak_bytes = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak_bytes, Counted.written

    with harness.lake.session() as session:
        session.execute(f"INSERT INTO {HISTORY} SELECT c.* FROM {HISTORY} c, range(2000)")
        few, small = peak()
        session.execute(f"INSERT INTO {HISTORY} SELECT c.* FROM {HISTORY} c, range(4)")
    many, large = peak()
    assert large > 4.5 * small
    assert many < 1.3 * few
