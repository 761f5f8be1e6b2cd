"""Rows that a process beside the sync made are the rows that anybody would have made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sync_platform_tests.lake.typist_process import PAGE_RECORDS, PAGES
from sync_platform_tests.processes import outputs_of

IMPORTS = "from sync_platform_tests.lake.typist_process import main"
ROWS = PAGES * PAGE_RECORDS + PAGES  # a page has none, one or two odd records


def _outcome(folder: Path, case: str) -> dict[str, Any]:
    (output,) = outputs_of(1, IMPORTS, "main(sys.argv[1], sys.argv[2])", str(folder), case)
    document: dict[str, Any] = json.loads(output)
    return document


def test_its_rows_and_remarks_are_the_same_and_can_be_had_once(tmp_path: Path) -> None:
    found = _outcome(tmp_path, "is_the_same")
    assert found.pop("objects") > 20
    assert found.pop("broken") > 20
    assert found == {"rows": ROWS, "same rows": True, "same remarks": True, "twice": False}


def test_where_it_died_rows_are_made_by_whoever_asks(tmp_path: Path) -> None:
    assert _outcome(tmp_path, "is_killed") == {"made": False, "rows": ROWS}


def test_it_gives_no_rows_of_other_objects_than_the_manifest_names(tmp_path: Path) -> None:
    assert _outcome(tmp_path, "is_told_of_others") == {"made": False, "rows": ROWS}


def test_a_spoiled_object_is_met_by_whoever_asks_for_the_rows(tmp_path: Path) -> None:
    found = _outcome(tmp_path, "is_spoiled")
    assert found["made"] is False
    assert found["error"].endswith("pages-000003.ndjson.zst is not what was landed (SHA-256 differs)")


def test_it_ends_when_its_sync_is_killed(tmp_path: Path) -> None:
    assert _outcome(tmp_path, "ends_with_its_sync") == {"before": True, "after": False}
