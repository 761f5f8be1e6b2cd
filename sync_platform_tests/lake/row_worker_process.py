"""The program of the row worker's tests, a process without threads: it lands dishes in many objects, with a row worker.

`main(FOLDER, CASE)` prints one JSON document.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa

from sync_platform.errors import StorageError
from sync_platform.lake.row_worker import RowWorkerProcess
from sync_platform.lake.rows import TypedRows
from sync_platform.landing.destination import Destination, ObjectLimits
from sync_platform.landing.reader import LandedDataset
from sync_platform.landing.writer import DatasetWriter
from sync_platform.sources.gaps import Gaps
from sync_platform.sources.received import Page, Record
from sync_platform.sources.reply import Reply
from sync_platform_tests.lake.harness import LakeHarness
from sync_platform_tests.limits import LONGEST_WAIT_S

PAGES, PAGE_RECORDS = 60, 200
ODD: list[Record] = [
    {"id": 1, "name": ["no", "text"]},
    {"id": "", "name": "no id"},
    {"id": 2, "stock": 2**63},
    {"id": 3, "price": "dear"},
    {"id": 4, "since": "yesterday"},
    {"id": 5, "deleted": True},
]


def dishes() -> list[list[Record]]:
    """Pages of dishes, some of them invalid."""
    chance = random.Random(7)
    pages = []
    for page in range(PAGES):
        records: list[Record] = [
            {
                "id": 100 + page * PAGE_RECORDS + number,
                "name": "雲吞麵 " * chance.randint(0, 40),
                "price": chance.random(),
            }
            for number in range(PAGE_RECORDS)
        ]
        pages.append([*records, *chance.sample(ODD, page % 3)])
    return pages


def land_with(harness: LakeHarness, row_worker: RowWorkerProcess, sync_id: str = "sync-1") -> LandedDataset:
    """Land the dishes like a sync, and give each object to the row worker."""
    dataset = harness.platform.datasets[0]
    destination = Destination(harness.store, harness.vault, ObjectLimits(size_bytes=40_000))
    writer = DatasetWriter(destination, harness.platform.name, dataset, "2026-11", sync_id, on_object=row_worker.parse)
    reply = Reply(harness.platform.name, "http://diner.test/dishes", 200, datetime.now(UTC), b"[]")
    for records in dishes():
        writer.add(Page(dataset.name, records, (reply,)))
    now = datetime.now(UTC)
    manifest = writer.finish(run_id="run", mode="full", started_at=now, observed_at=now, gaps=Gaps())
    return LandedDataset(manifest, harness.store)


def rows_and_summary(rows: TypedRows) -> tuple[pa.Table, dict[str, Any]]:
    """The rows, and the summary of their records."""
    table = rows.reader().read_all()
    return table, {
        "contract_counts": repr(asdict(rows.contract_counts)),
        "not_ours": rows.not_ours,
        "shape": repr(rows.shape.to_document()),
    }


def is_the_same(harness: LakeHarness, row_worker: RowWorkerProcess) -> dict[str, Any]:
    landed = land_with(harness, row_worker)
    rows_of_worker, summary = rows_and_summary(TypedRows(landed, harness.platform, row_worker))
    ours, own_summary = rows_and_summary(TypedRows(landed, harness.platform))
    return {
        "objects": len(landed.manifest.objects),
        "rows": rows_of_worker.num_rows,
        "broken": rows_of_worker.num_rows - rows_of_worker["problems"].null_count,
        "same rows": rows_of_worker.equals(ours),
        "same summary": summary == own_summary,
        "twice": row_worker.rows_of(landed.manifest) is not None,
    }


def is_killed(harness: LakeHarness, row_worker: RowWorkerProcess) -> dict[str, Any]:
    (process,) = multiprocessing.active_children()
    process.kill()
    process.join()
    landed = land_with(harness, row_worker)
    is_parsed = row_worker.rows_of(landed.manifest) is not None
    return {"parsed": is_parsed, "rows": TypedRows(landed, harness.platform, row_worker).reader().read_all().num_rows}


def is_given_others(harness: LakeHarness, row_worker: RowWorkerProcess) -> dict[str, Any]:
    land_with(harness, row_worker, "sync-0")
    landed = land_with(harness, row_worker)
    is_parsed = row_worker.rows_of(landed.manifest) is not None
    return {"parsed": is_parsed, "rows": TypedRows(landed, harness.platform, row_worker).reader().read_all().num_rows}


def is_spoiled(harness: LakeHarness, row_worker: RowWorkerProcess) -> dict[str, Any]:
    put = harness.store.put

    def put_spoiled(key: str, body: bytes) -> None:
        put(key, body[:-9] + b"something" if key.endswith("000003.ndjson.zst") else body)

    harness.store.put = put_spoiled  # type: ignore[method-assign]
    landed = land_with(harness, row_worker)
    is_parsed = row_worker.rows_of(landed.manifest) is not None
    try:
        TypedRows(landed, harness.platform, row_worker).reader().read_all()
        error = ""
    except StorageError as problem:
        error = str(problem)
    return {"parsed": is_parsed, "error": error}


def ends_with_its_sync(harness: LakeHarness, row_worker: RowWorkerProcess) -> dict[str, Any]:
    """Another process starts a row worker and is killed; its row worker ends soon after."""
    lines, output_pipe = os.pipe()
    inherited = set(multiprocessing.active_children())
    parent = os.fork()
    if parent == 0:
        with RowWorkerProcess(harness.platform, lambda: harness.store, harness.folder / "temp"):
            (own,) = set(multiprocessing.active_children()) - inherited
            os.write(output_pipe, str(own.pid).encode())
            time.sleep(60)
    own_pid = int(os.read(lines, 20))
    time.sleep(0.2)
    was_alive = _is_alive(own_pid)
    os.kill(parent, signal.SIGKILL)
    os.waitpid(parent, 0)
    deadline = time.monotonic() + LONGEST_WAIT_S
    while _is_alive(own_pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return {"before": was_alive, "after": _is_alive(own_pid)}


def _is_alive(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


CASES: dict[str, Callable[[LakeHarness, RowWorkerProcess], dict[str, Any]]] = {
    case.__name__: case for case in (is_the_same, is_killed, is_given_others, is_spoiled, ends_with_its_sync)
}


def main(folder: str, case: str) -> None:
    harness = LakeHarness(Path(folder))
    with RowWorkerProcess(harness.platform, lambda: harness.store, harness.folder / "temp") as row_worker:
        sys.stdout.buffer.write(orjson.dumps(CASES[case](harness, row_worker)))
