"""The OpenAPI document is committed, complete, and that of the program."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sync_platform.api.openapi import openapi_document

COMMITTED = Path(__file__).parents[2] / "docs" / "openapi.json"


def test_the_committed_document_is_that_of_the_program() -> None:
    """After an intended change, delete docs/openapi.json, run this test again, and read the difference."""
    text = json.dumps(openapi_document(), indent=1, ensure_ascii=False) + "\n"
    if not COMMITTED.exists():
        COMMITTED.write_text(text)
        pytest.fail("docs/openapi.json was missing and has been written: look at it, and run again")
    assert COMMITTED.read_text() == text, "docs/openapi.json is out of date: delete it, and run this test again"


def test_every_route_has_a_description_a_typed_answer_and_the_errors_of_every_route() -> None:
    operations = [
        (f"{method} {path}", operation)
        for path, methods in openapi_document()["paths"].items()
        for method, operation in methods.items()
    ]
    assert len(operations) > 8
    assert [name for name, operation in operations if not operation.get("description")] == []
    assert [
        name for name, operation in operations if not {"401", "403", "422", "503"} <= set(operation["responses"])
    ] == []
    assert [name for name, operation in operations if not operation["operationId"].isalpha()] == []
