"""Cost of the quality steps in a sync: `python -m benchmarks.quality [ROWS]`.

It uses one process without Dagster, so the shares are relative to the work of a sync: fetch, land and commit.
"""

from __future__ import annotations

import functools
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest import mock

from rich.console import Console
from rich.table import Table

from benchmarks.__main__ import HERE, Server
from sync_platform.lake import appraisal, commit
from sync_platform.lake.commit import commit_landed
from sync_platform.lake.rows import TypedRows
from sync_platform.landing.destination import Destination
from sync_platform.landing.extract import Fetch, extract
from sync_platform.landing.manifest import land
from sync_platform.landing.reader import LandedDataset
from sync_platform.landing.source import Source
from sync_platform.landing.sync_id import new_sync_id
from sync_platform.platforms import load_platforms
from sync_platform.quality.contract import Contract
from sync_platform.quality.contract_counts import ContractCounts
from sync_platform.quality.shape_sample import ShapeSample
from sync_platform.settings import load_settings
from sync_platform.sources.scope import Scope
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import Lake
from sync_platform.storage.objects import open_store
from sync_platform.vault.master_key import MasterKey
from sync_platform.vault.seal import Vault, open_vault_database

VALIDATION = [
    (Contract, "breaches"),
    (ContractCounts, "add"),
    (commit, "quarantine"),
    (commit, "has_newly_quarantined"),
]
OTHERS = [
    (appraisal, "score_records"),
    (appraisal, "write_scores"),
    (ShapeSample, "take"),
    (ShapeSample, "shape"),
    (appraisal, "compare_with_reference"),
    (appraisal, "find_frequent_values"),
]
ROUNDS = 3


class NoSecrets:
    """The secrets of a platform that has none."""

    def read(self, name: str) -> str | None:
        return None

    def write(self, name: str, value: str) -> None:
        raise NotImplementedError

    def replace(self, name: str, old: str | None, value: str) -> bool:
        raise NotImplementedError


def main(rows: int) -> None:
    console = Console()
    console.print(f"{rows:,} records of about 1.3 kB; shares of fetch, landing and lake; medians of {ROUNDS} rounds")
    server = Server(rows)
    try:
        rounds = [(_round(server.url)) for _ in range(ROUNDS)]
    finally:
        server.stop()
    for title, number in (("first load", 0), ("nothing changed", 1)):
        totals = [each[number][0] for each in rounds]
        table = Table(title, "time", "share of the sync")
        for name in rounds[0][number][1]:
            spent = statistics.median(each[number][1][name] for each in rounds)
            table.add_row(name, f"{spent:.2f} s", f"{spent / statistics.median(totals):.1%}")
        table.add_row("whole sync", f"{statistics.median(totals):.2f} s", "")
        console.print(table)


def _round(url: str) -> list[tuple[float, dict[str, float]]]:
    """Seconds of the whole sync and of each step, for the first load and where nothing changed."""
    with tempfile.TemporaryDirectory() as home, Lake(LakeAddress.of(load_settings(sync_home=Path(home)))) as lake:
        return [measured_sync(url, Path(home), lake) for _ in range(2)]


def measured_sync(url: str, home: Path, lake: Lake) -> tuple[float, dict[str, float]]:
    platform = load_platforms(str(HERE / "platform"))["listings"]
    store = open_store((home / "landing").as_uri())
    vault = Vault(open_vault_database(f"sqlite:///{home / 'vault.sqlite'}"), MasterKey(bytes(32)))
    source = Source(
        base_url=url,
        archive_url="",
        credentials=dict.fromkeys(("api_key", "app_id", "app_secret", "refresh_token"), "none"),
        requests_per_second=None,
        concurrency=8,
        ids_only=False,
        timeout_s=30,
        attempts=1,
    )
    spent: dict[str, float] = {}
    with ExitStack() as patches:
        for holder, name in (*VALIDATION, *OTHERS):
            patches.enter_context(mock.patch.object(holder, name, _timed(getattr(holder, name), spent, name)))
        began = time.perf_counter()
        fetch = Fetch(platform, source, NoSecrets(), Scope(), "2026-11", new_sync_id(), run_id="run")
        manifests = extract(fetch, Destination(store, vault))
        land(store, manifests)
        commit_landed(lake, "lineage.changes", TypedRows(LandedDataset(manifests[0], store), platform), "run")
        total = time.perf_counter() - began
    validation = sum(spent.get(name, 0.0) for _, name in VALIDATION)
    others = {f"  {name}": spent.get(name, 0.0) for _, name in OTHERS}
    steps = {f"  {name}": spent.get(name, 0.0) for _, name in VALIDATION}
    return total, {"validation and quarantine": validation, **steps, "scores and drift": sum(others.values()), **others}


def _timed(function: Callable[..., Any], spent: dict[str, float], name: str) -> Callable[..., Any]:
    @functools.wraps(function)
    def run(*arguments: Any, **named: Any) -> Any:
        began = time.perf_counter()
        try:
            return function(*arguments, **named)
        finally:
            spent[name] = spent.get(name, 0.0) + time.perf_counter() - began

    return run


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
