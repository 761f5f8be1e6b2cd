"""The summary of a sync: at most five lines per platform, the most important first, and the exit code's status."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sync_platform.cli.syncing.result import PlatformResult
from sync_platform.cli.syncing.summary import write_summary
from sync_platform.lake.syncs import SyncRecord
from sync_platform.settings import load_settings

NOW = datetime(2026, 11, 28, tzinfo=UTC)


def record_of(dataset: str, **values: Any) -> SyncRecord:
    values = {"status": "degraded" if values.get("reasons") else "complete", **values}
    return SyncRecord(
        "s", "r", "keeta", dataset, "2026-11", "full", observed_at=NOW, started_at=NOW, committed_at=NOW, **values
    )


def lines_of(result: PlatformResult, capsys: pytest.CaptureFixture[str]) -> list[str]:
    write_summary([result], None, 0.0, 1.0, load_settings(sync_home=Path("home")))
    return [line for line in capsys.readouterr().out.splitlines() if line.startswith("keeta")]


def test_a_gap_is_told_and_the_platform_is_complete(capsys: pytest.CaptureFixture[str]) -> None:
    records = [record_of("restaurants"), record_of("menu_items", gaps=["7: the shop is open and lists no dish"])]
    result = PlatformResult("keeta", "2026-11", "r", None, 1.0, 1.0, records)
    assert (result.status, result.reasons) == ("complete", [])
    assert result.document()["gaps"] == ["menu_items: 7: the shop is open and lists no dish"]
    assert lines_of(result, capsys) == ["keeta with gaps: menu_items: 7: the shop is open and lists no dish"]


def test_five_lines_are_shown_the_error_and_the_first_reason_of_each_dataset_first(
    capsys: pytest.CaptureFixture[str],
) -> None:
    records = [
        record_of("restaurants", reasons=["the wall", *(f"odd {number}" for number in range(100))], not_retired=7),
        record_of("menu_items", reasons=["the wall", "a finding"], notes=["a note"]),
    ]
    result = PlatformResult(
        "keeta", "2026-11", "r", "the run failed", 1.0, 1.0, records, not_retired_ids={"restaurants": list("abcdefg")}
    )
    assert lines_of(result, capsys) == [
        "keeta failed: the run failed",
        "keeta failed: restaurants, menu_items: the wall",
        "keeta failed: restaurants: odd 0",
        "keeta failed: menu_items: a finding",
        "keeta: 101 more: see sync.runs",
    ]


def test_rows_that_stayed_live_are_counted_with_examples(capsys: pytest.CaptureFixture[str]) -> None:
    result = PlatformResult(
        "keeta",
        "2026-11",
        "r",
        None,
        1.0,
        1.0,
        [record_of("menu_items", gaps=["g"], not_retired=7)],
        {"menu_items": ["a"]},
    )
    assert lines_of(result, capsys)[1] == "keeta.menu_items: 7 not seen, but kept live: a"
