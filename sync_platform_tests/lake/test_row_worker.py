"""The rows that a row worker parses are those that its caller would parse."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sync_platform_tests.lake.row_worker_process import PAGE_RECORDS, PAGES
from sync_platform_tests.processes import outputs_of

IMPORTS = "from sync_platform_tests.lake.row_worker_process import main"
ROWS = PAGES * PAGE_RECORDS + PAGES  # a page has no, one or two odd records


def _outcome(folder: Path, case: str) -> dict[str, Any]:
    (output,) = outputs_of(1, IMPORTS, "main(sys.argv[1], sys.argv[2])", str(folder), case)
    document: dict[str, Any] = json.loads(output)
    return document


def test_the_rows_and_their_summary_are_the_same_and_are_given_once(tmp_path: Path) -> None:
    outcome = _outcome(tmp_path, "is_the_same")
    assert outcome.pop("objects") > 20
    assert outcome.pop("broken") > 20
    assert outcome == {"rows": ROWS, "same rows": True, "same summary": True, "twice": False}


def test_the_caller_parses_the_rows_after_the_row_worker_died(tmp_path: Path) -> None:
    assert _outcome(tmp_path, "is_killed") == {"parsed": False, "rows": ROWS}


def test_the_row_worker_gives_no_rows_of_objects_that_the_manifest_does_not_name(tmp_path: Path) -> None:
    assert _outcome(tmp_path, "is_given_others") == {"parsed": False, "rows": ROWS}


def test_a_spoiled_object_is_reported_to_the_caller(tmp_path: Path) -> None:
    outcome = _outcome(tmp_path, "is_spoiled")
    assert outcome["parsed"] is False
    assert outcome["error"].endswith("pages-000003.ndjson.zst is not what was landed (SHA-256 differs)")


def test_the_row_worker_ends_when_its_sync_is_killed(tmp_path: Path) -> None:
    assert _outcome(tmp_path, "ends_with_its_sync") == {"before": True, "after": False}
