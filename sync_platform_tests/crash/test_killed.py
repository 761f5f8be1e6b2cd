"""A sync killed with SIGKILL at any of many steps and run again gives the same content."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sync_platform.lake.replay import replay
from sync_platform.lake.tracked_table import dataset_table
from sync_platform.platforms import load_platforms
from sync_platform.storage.lake_connection import Lake
from sync_platform.storage.temporary_tables import TemporaryTables
from sync_platform_tests.crash.one_sync import HISTORY, address_in
from sync_platform_tests.extent import is_full
from sync_platform_tests.folder_copies import copy_by_process
from sync_platform_tests.warm import completed

ROOT = Path(__file__).parents[2]
OPENRICE = load_platforms()["openrice"]
DAYS = ("2026-10-20", "2026-11-24")
PLACES = 40
KILLS = 9 if is_full() else 4


def _sync(folder: Path, urls: dict[str, str], day: str, fatal: int | None = None) -> tuple[int, str]:
    folder.mkdir(exist_ok=True)
    arguments = (str(folder), urls[day], day, *([] if fatal is None else [str(fatal)]))
    done = completed("sync_platform_tests.crash.one_sync", arguments, ROOT, dict(os.environ))
    return done.returncode, done.stdout.strip() or done.stderr


@pytest.fixture(scope="module")
def urls() -> Iterator[dict[str, str]]:
    """The sandbox of one city on two days, a month apart."""
    processes, found = [], {}
    for day in DAYS:
        command = [sys.executable, "-m", "sync_platform.sandbox", "--places", str(PLACES), "--today", day]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        processes.append(process)
        found[day] = json.loads(process.stdout.readline())["url"] + "/openrice"
    yield found
    for process in processes:
        process.kill()
        process.wait()


def _content(folder: Path) -> dict[str, list[Any]]:
    """Every table's rows and every change, without the ids and times of syncs; the replay must agree."""
    content: dict[str, list[Any]] = {}
    with Lake(address_in(folder), read_only=True) as lake, lake.session() as session:
        for dataset in OPENRICE.datasets:
            rows = "SELECT source_id, content_hash, removed_at IS NULL FROM {} ORDER BY 1"
            content[dataset.name] = session.execute(rows.format(f"lake.openrice.{dataset.name}")).fetchall()
            replayed = replay(TemporaryTables(session), HISTORY, dataset_table("openrice", dataset))
            assert session.execute(rows.format(replayed)).fetchall() == content[dataset.name]
        content["changes"] = session.execute(
            f"SELECT dataset, entity_id, operation, changed_fields, content_hash FROM {HISTORY} ORDER BY ALL"
        ).fetchall()
    return content


def test_a_sync_killed_at_any_step_and_run_again_has_the_same_content(tmp_path: Path, urls: dict[str, str]) -> None:
    folder, first_day = (
        tmp_path / "synced",
        tmp_path / "first-day",
    )  # a lake stores the path of its folder: it is moved back there
    assert _sync(folder, urls, DAYS[0])[0] == 0
    copy_by_process(folder, first_day)
    before = _content(folder)
    code, output = _sync(folder, urls, DAYS[1])
    assert code == 0, output
    expected, steps = _content(folder), int(output)
    assert {row[2] for row in expected["changes"]} >= {"insert", "update"}

    for step in sorted({1 + number * (steps - 1) // (KILLS - 1) for number in range(KILLS)}):
        shutil.rmtree(folder)
        copy_by_process(first_day, folder)
        code, output = _sync(folder, urls, DAYS[1], step)
        assert code == -signal.SIGKILL, output
        half = _content(folder)
        for dataset in OPENRICE.datasets:  # each dataset is as before or as after, and nothing in between
            assert half[dataset.name] in (before[dataset.name], expected[dataset.name]), step
        code, output = _sync(folder, urls, DAYS[1])
        assert code == 0, output
        assert _content(folder) == expected, step
