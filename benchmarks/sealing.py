"""Share of sealing in a sync of reviews: `python -m benchmarks.sealing [PLACES]`.

It uses one process without Dagster, and the sandbox in another one. Times are processor time. The share is that of the
work of a sync: fetch, land and commit. The goal is at most 15 %.
"""

from __future__ import annotations

import functools
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

from rich.console import Console
from rich.table import Table

from benchmarks.__main__ import ROOT
from benchmarks.quality import NoSecrets
from sync_platform.lake.commit import commit_landed
from sync_platform.lake.rows import TypedRows
from sync_platform.landing.destination import Destination
from sync_platform.landing.extract import Fetch, extract
from sync_platform.landing.manifest import land
from sync_platform.landing.reader import Landed
from sync_platform.landing.source import Source
from sync_platform.landing.sync_id import new_sync_id
from sync_platform.platforms import load_platforms
from sync_platform.settings import load_settings
from sync_platform.sources.scope import Scope
from sync_platform.storage.lake_connection import Lake, LakeAddress
from sync_platform.storage.objects import open_store
from sync_platform.vault.master_key import MasterKey
from sync_platform.vault.seal import Vault, open_vault_database

DAY = "2026-11-24"
REVIEWED = ("openrice", "tripadvisor", "foodpanda")
"""Platforms with reviews; OpenRice and Tripadvisor seal five fields of each, and Foodpanda two."""
ROUNDS = 3
GOAL = 0.15


def main(places: int) -> None:
    console = Console()
    table = Table("platform", "records", "", "sync", "sealing", "each", "share")
    command = [sys.executable, "-m", "sync_platform.sandbox", "--places", str(places), "--today", DAY]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as sandbox:
        assert sandbox.stdout is not None
        url = json.loads(sandbox.stdout.readline())["url"]
        for platform in REVIEWED:
            _measured_sync(f"{url}/{platform}", platform, Path(tempfile.mkdtemp()))  # the sandbox builds its city
            rounds = [_round(f"{url}/{platform}", platform) for _ in range(ROUNDS)]
            for number, title in enumerate(("first load", "nothing changed")):
                whole, sealing = (statistics.median(each[number][at] for each in rounds) for at in (0, 1))
                reviews = rounds[0][number][2]
                figures = (f"{whole:.2f} s", f"{sealing:.2f} s", f"{sealing / reviews * 1e6:.0f} µs")
                table.add_row(platform, f"{reviews:,}", title, *figures, f"{sealing / whole:.1%}")
        sandbox.kill()
    console.print(f"processor time; goal: a share of at most {GOAL:.0%}", table)


def _round(url: str, platform: str) -> list[tuple[float, float, int]]:
    """Of the first load and of a sync where nothing changed: what `_measured_sync` returns."""
    with tempfile.TemporaryDirectory() as home:
        return [_measured_sync(url, platform, Path(home)) for _ in range(2)]


def _measured_sync(url: str, name: str, home: Path) -> tuple[float, float, int]:
    """Processor time of the whole sync and of sealing, in seconds; and the number of sealed records."""
    platform = load_platforms()[name]
    store = open_store((home / "landing").as_uri())
    vault = Vault(open_vault_database(f"sqlite:///{home / 'vault.sqlite'}"), MasterKey(bytes(32)))
    credentials = dict.fromkeys(("api_key", "app_id", "app_secret", "refresh_token"), "sandbox")
    source = Source(url, "", credentials, None, 8, False)
    spent: list[float] = []
    counts: list[int] = []
    with (
        mock.patch.object(Vault, "seal_records", _timed(Vault.seal_records, spent, counts)),
        Lake(LakeAddress.of(load_settings(sync_home=home))) as lake,
    ):
        began = time.process_time()
        fetch = Fetch(platform, source, NoSecrets(), Scope(), DAY[:7], new_sync_id(), run_id="run")
        manifests = extract(fetch, Destination(store, vault))
        land(store, manifests)
        for manifest in manifests:
            commit_landed(lake, "lineage.changes", TypedRows(Landed(manifest, store), platform), "run")
        total = time.process_time() - began
    return total, sum(spent), sum(counts)


def _timed(function: Callable[..., Any], spent: list[float], counts: list[int]) -> Callable[..., Any]:
    @functools.wraps(function)
    def run(vault: Vault, platform: str, personal: Any, records: list[Any], *others: Any, **named: Any) -> Any:
        began = time.thread_time()
        try:
            return function(vault, platform, personal, records, *others, **named)
        finally:
            spent.append(time.thread_time() - began)
            counts.append(len(records) if personal.fields else 0)

    return run


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000)
