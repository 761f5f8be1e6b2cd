"""Syncs that are killed in the middle."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from sync_platform_tests.extent import only_in_full
from sync_platform_tests.lake.harness import HISTORY, LakeHarness
from sync_platform_tests.lake.writer_process import menu

ROOT = Path(__file__).parents[2]
WRITER = "sync_platform_tests.lake.writer_process"


def _writer(folder: Path, name: str, syncs: int, rows: int) -> subprocess.Popen[str]:
    command = [
        sys.executable,
        "-m",
        WRITER,
        str(folder),
        name,
        str(syncs),
        str(rows),
    ]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("delay_s", [only_in_full(0.02), 0.06, only_in_full(0.11), 0.17])
def test_a_sync_killed_anywhere_leaves_only_whole_commits_and_can_run_again(tmp_path: Path, delay_s: float) -> None:
    writer = _writer(tmp_path, "diner", 50, 2000)
    assert writer.stdout is not None
    assert writer.stdout.readline().strip() == "0"
    time.sleep(delay_s)
    writer.kill()
    writer.wait()
    harness = LakeHarness(tmp_path)
    syncs = harness.ask("SELECT count(*) FROM sync.runs")[0][0]
    assert 1 <= syncs < 50
    assert harness.table() == [(row["source_id"], row["name"]) for row in _rows(syncs - 1, 2000)]
    assert harness.ask(f"SELECT count(DISTINCT sync_id) FROM {HISTORY}") == [(syncs,)]
    assert harness.replay_differs() == []
    assert harness.sync(menu(50, 2000), hour=50).record.status == "complete"
    assert len(harness.table()) == 2050
    harness.lake.close()


def _rows(sync: int, rows: int) -> list[dict[str, str]]:
    rows_of_menu = [{"source_id": str(dish["id"]), "name": str(dish["name"])} for dish in menu(sync, rows)]
    return sorted(rows_of_menu, key=lambda row: row["source_id"])
