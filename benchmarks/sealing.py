"""Share of sealing in a sync of reviews: `python -m benchmarks.sealing [ROWS]`.

It uses one process without Dagster. Times are processor time, so the share is that of the work of a sync: fetch, land
and commit. Five fields of each record are sealed, two of them texts, as in Tripadvisor's reviews; a person writes five.
"""

from __future__ import annotations

import dataclasses
import functools
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

from rich.console import Console
from rich.table import Table

from benchmarks.__main__ import HERE, Server
from benchmarks.quality import NoSecrets
from sync_platform.lake.commit import commit_landed
from sync_platform.lake.rows import TypedRows
from sync_platform.landing.destination import Destination
from sync_platform.landing.extract import Fetch, extract
from sync_platform.landing.manifest import land
from sync_platform.landing.reader import LandedDataset
from sync_platform.landing.source import Source
from sync_platform.landing.sync_id import new_sync_id
from sync_platform.platforms import load_platforms
from sync_platform.settings import load_settings
from sync_platform.sources.declaration import Platform
from sync_platform.sources.scope import Scope
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import Lake
from sync_platform.storage.objects import open_store
from sync_platform.vault.master_key import MasterKey
from sync_platform.vault.personal_fields import Personal, PersonalKind
from sync_platform.vault.seal import Vault, open_vault_database

ROUNDS = 3
GOAL = 0.15
REVIEW = Personal(
    {
        "contact.id": PersonalKind.handle,
        "contact.name": PersonalKind.name,
        "contact.email": PersonalKind.email,
        "description_en": PersonalKind.text,
        "description_zh": PersonalKind.text,
    },
    subject=("contact.id",),
)


def main(rows: int) -> None:
    console = Console()
    server = Server(rows)
    try:
        rounds = [_round(server.url) for _ in range(ROUNDS)]
    finally:
        server.stop()
    table = Table(f"{rows:,} records", "sync", "sealing", "each", "share")
    for number, title in enumerate(("first load", "nothing changed")):
        whole, sealing = (statistics.median(each[number][at] for each in rounds) for at in (0, 1))
        table.add_row(
            title, f"{whole:.2f} s", f"{sealing:.2f} s", f"{sealing / rows * 1e6:.0f} µs", f"{sealing / whole:.1%}"
        )
    console.print(f"processor time; medians of {ROUNDS} rounds; the goal is a share of at most {GOAL:.0%}", table)


def _round(url: str) -> list[tuple[float, float]]:
    """Seconds of the whole sync and of sealing, for the first load and where nothing changed."""
    with tempfile.TemporaryDirectory() as home, Lake(LakeAddress.of(load_settings(sync_home=Path(home)))) as lake:
        return [_measured_sync(url, Path(home), lake) for _ in range(2)]


def _reviews() -> Platform:
    """The benchmark's platform, with the personal fields of a review."""
    platform = load_platforms(str(HERE / "platform"))["listings"]
    (dataset,) = platform.datasets
    type(platform).datasets = (dataclasses.replace(dataset, personal=REVIEW),)
    return platform


def _measured_sync(url: str, home: Path, lake: Lake) -> tuple[float, float]:
    platform, spent = _reviews(), list[float]()
    store = open_store((home / "landing").as_uri())
    vault = Vault(open_vault_database(f"sqlite:///{home / 'vault.sqlite'}"), MasterKey(bytes(32)))
    credentials = dict.fromkeys(("api_key", "app_id", "app_secret", "refresh_token"), "none")
    source = Source(url, "", credentials, None, 8, False)
    with mock.patch.object(Vault, "seal_records", _timed(Vault.seal_records, spent)):
        began = time.process_time()
        fetch = Fetch(platform, source, NoSecrets(), Scope(), "2026-11", new_sync_id(), run_id="run")
        manifests = extract(fetch, Destination(store, vault))
        land(store, manifests)
        commit_landed(lake, "lineage.changes", TypedRows(LandedDataset(manifests[0], store), platform), "run")
        return time.process_time() - began, sum(spent)


def _timed(function: Callable[..., Any], spent: list[float]) -> Callable[..., Any]:
    @functools.wraps(function)
    def run(*arguments: Any, **named: Any) -> Any:
        began = time.thread_time()
        try:
            return function(*arguments, **named)
        finally:
            spent.append(time.thread_time() - began)

    return run


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
