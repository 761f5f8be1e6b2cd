"""Killed in the middle of a sync."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from sync_platform_tests.extent import only_in_full
from sync_platform_tests.lake.lab import HISTORY, Lab
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
def test_a_sync_killed_anywhere_leaves_whole_commits_only_and_runs_again(tmp_path: Path, delay_s: float) -> None:
    writer = _writer(tmp_path, "diner", 50, 2000)
    assert writer.stdout is not None
    assert writer.stdout.readline().strip() == "0"
    time.sleep(delay_s)
    writer.kill()
    writer.wait()
    lab = Lab(tmp_path)
    syncs = lab.ask("SELECT count(*) FROM sync.runs")[0][0]
    assert 1 <= syncs < 50
    assert lab.table() == [(row["source_id"], row["name"]) for row in _rows(syncs - 1, 2000)]
    assert lab.ask(f"SELECT count(DISTINCT sync_id) FROM {HISTORY}") == [(syncs,)]
    assert lab.replay_differs() == []
    assert lab.sync(menu(50, 2000), hour=50).record.status == "complete"
    assert len(lab.table()) == 2050
    lab.lake.close()


def _rows(sync: int, rows: int) -> list[dict[str, str]]:
    found = [{"source_id": str(dish["id"]), "name": str(dish["name"])} for dish in menu(sync, rows)]
    return sorted(found, key=lambda row: row["source_id"])
