"""Cost and speed of lineage: `python -m benchmarks.lineage [ROWS] [HISTORY]`.

It measures the share of lineage (history, digests, hash chain) in a sync of ROWS records, the verification of HISTORY
changes (half whole records of about 700 bytes, half small updates), and reading one entity among them.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest import mock

from rich.console import Console

from benchmarks import quality
from benchmarks.__main__ import Server
from sync_platform.lake import chain, commit
from sync_platform.lake.commit_context import CommitContext
from sync_platform.lake.history import HistoryWriter
from sync_platform.lake.schema import ensure_tables
from sync_platform.lineage.batches import check_batches
from sync_platform.lineage.findings import Findings
from sync_platform.platforms import load_platforms
from sync_platform.settings import load_settings
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import LAKE, Lake
from sync_platform.storage.session_memory import with_memory
from sync_platform.storage.temporary_tables import TemporaryTables

HISTORY = "lineage.changes"
BATCH_ROWS = 100_000
LOOK_UPS = 200


def main(rows: int, changes: int) -> None:
    console = Console()
    capturing(console, rows)
    with tempfile.TemporaryDirectory() as home:
        address = LakeAddress.of(load_settings(sync_home=Path(home)))
        with Lake(address) as lake:
            fill(lake, changes)
        with Lake(address, read_only=True) as lake:
            verifying(console, lake, changes)
            looking_up(console, lake, changes)


def capturing(console: Console, rows: int) -> None:
    """The share of writing history, digests and chain in a first load in one process."""
    spent: dict[str, float] = {}
    steps: list[tuple[Any, str]] = [(HistoryWriter, "write"), (commit, "chain_changes")]
    server = Server(rows)
    try:
        with (
            tempfile.TemporaryDirectory() as home,
            Lake(LakeAddress.of(load_settings(sync_home=Path(home)))) as lake,
            ExitStack() as patches,
        ):
            for holder, name in steps:
                patches.enter_context(mock.patch.object(holder, name, _timed(getattr(holder, name), spent, name)))
            total, _ = quality.measured_sync(server.url, Path(home), lake)
    finally:
        server.stop()
    seconds, chain_s = sum(spent.values()), spent["chain_changes"]
    console.print(
        f"{rows:,} new records: capturing lineage (history, digests, chain) took {seconds:.2f} s of {total:.2f} s, "
        f"{seconds / total:.1%}; the chain {chain_s / total:.1%}"
    )


def _timed(step: Callable[..., Any], spent: dict[str, float], name: str) -> Callable[..., Any]:
    def timed(*arguments: Any, **named: Any) -> Any:
        began = time.perf_counter()
        try:
            return step(*arguments, **named)
        finally:
            spent[name] = spent.get(name, 0.0) + time.perf_counter() - began

    return timed


def fill(lake: Lake, changes: int) -> None:
    """Write a history of that many changes of half as many entities, in batches of the chain."""
    platform = load_platforms("")["openrice"]
    dataset = platform.datasets[0]
    with lake.session() as session, TemporaryTables(session) as scratch:
        for number, start in enumerate(range(0, changes, BATCH_ROWS)):
            at = datetime.fromtimestamp(1_790_000_000 + number, UTC)
            operation = "insert" if start < changes / 2 else "update"
            after = "repeat('x', 700)" if operation == "insert" else "'4.5'"
            context = CommitContext("openrice", dataset.name, "2026-11", f"sync-{number}", f"run-{number}", at, at)
            session.execute("BEGIN")
            ensure_tables(session, HISTORY, "openrice", dataset)
            writer = HistoryWriter(scratch, HISTORY)
            writer.append(
                f"""SELECT 'openrice', '{dataset.name}', ((range + {start}) % {max(1, changes // 2)})::VARCHAR,
                '{operation}', ['name'], NULL, json_object('name', {after} || range), md5(range::VARCHAR),
                'landing/openrice/restaurants/2026-11/sync/pages-000001.ndjson.zst', range, '2026-11',
                'sync-{number}', 'run-{number}', TIMESTAMPTZ '{at}', TIMESTAMPTZ '{at}'
                FROM range({min(BATCH_ROWS, changes - start)})""",
                {},
            )
            chain.chain_changes(writer, context, lambda key: None)
            session.execute("COMMIT")


def verifying(console: Console, lake: Lake, changes: int) -> None:
    wall, processor = time.perf_counter(), time.process_time()
    findings = Findings()
    with lake.session() as session, with_memory(session, "1GB"):
        check_batches(session, HISTORY, findings)
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    if not findings.holds or findings.changes != changes:
        raise SystemExit(f"the benchmark's own history does not hold: {findings.breaks[:1]}")
    console.print(
        f"verified {changes:,} changes in {wall:.1f} s: {changes / wall:,.0f} a second, "
        f"{changes / processor:,.0f} a second of processor time"
    )


def looking_up(console: Console, lake: Lake, changes: int) -> None:
    times = []
    with lake.session() as session:
        for number in range(LOOK_UPS):
            entity = str(number * 7919 % max(1, changes // 2))
            began = time.perf_counter()
            session.execute(f"SELECT * FROM {LAKE}.{HISTORY} WHERE entity_id = ? ORDER BY observed_at", [entity])
            session.fetchall()
            times.append((time.perf_counter() - began) * 1000)
    p50, p95 = statistics.median(times), statistics.quantiles(times, n=20)[-1]
    console.print(f"one entity out of {changes:,} change rows: median {p50:.0f} ms, p95 {p95:.0f} ms")


if __name__ == "__main__":
    numbers = [int(text) for text in sys.argv[1:]]
    main(*(numbers + [100_000, 10_000_000][len(numbers) :]))
