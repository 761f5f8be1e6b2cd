"""The harness of one platform: a clean sync on day one, and syncs under faults on day two.

What belongs here: fetching, commits to a real lake, and the comparison with an undisturbed sync. What doesn't: the
faults.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import httpx

from sync_platform.lake.commit import commit_landed
from sync_platform.lake.commit_outcome import CommitOutcome
from sync_platform.lake.replay import replay
from sync_platform.lake.retirement import ShrinkGuard
from sync_platform.lake.rows import TypedRows
from sync_platform.lake.tracked_table import dataset_table
from sync_platform.lake.watermarks import watermarks
from sync_platform.landing.destination import Destination
from sync_platform.landing.extract import Fetch, extract
from sync_platform.landing.manifest import Manifest, land
from sync_platform.landing.reader import LandedDataset
from sync_platform.landing.source import Source
from sync_platform.landing.sync_id import new_sync_id
from sync_platform.sources.declaration import Dataset, Platform
from sync_platform.sources.period import HONG_KONG
from sync_platform.sources.scope import Scope
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import LAKE, Lake
from sync_platform.storage.object_store import ObjectStore
from sync_platform.storage.objects import open_store
from sync_platform.storage.temporary_tables import TemporaryTables
from sync_platform.vault.master_key import MasterKey
from sync_platform.vault.seal import Vault, open_vault_database
from sync_platform_tests.extent import is_full
from sync_platform_tests.folder_copies import copy_by_process
from sync_platform_tests.platforms.replay import MemorySecrets

from .places import ATTEMPTS, Recorder

HISTORY = "lineage.changes"
GUARD = ShrinkGuard(tolerance=0.35)  # a small city loses more of its few places than a large one
CREDENTIALS = dict.fromkeys(("api_key", "app_id", "app_secret", "refresh_token"), "sandbox")
Hashes = dict[str, str]
"""Content hash by source_id."""
Table = dict[str, tuple[str, bool]]
"""Content hash, and whether the row is removed, by source_id."""


@dataclass(frozen=True)
class Extracted:
    """The manifests that one extraction landed, and their store."""

    manifests: list[Manifest]
    store: ObjectStore

    def landed(self) -> list[LandedDataset]:
        return [LandedDataset(manifest, self.store) for manifest in self.manifests]


@dataclass(frozen=True)
class ReceivedDataset:
    """The rows of one landing, without those that contradict each other.

    `is_exact`: they are the rows of day two. `is_complete`: the dataset counts as complete before any guard.
    """

    dataset: str
    rows: Hashes
    is_exact: bool
    is_complete: bool


@dataclass(frozen=True)
class Verdict:
    """The violations in words, True if every dataset counts as complete before any guard, and the received rows."""

    violations: list[str]
    is_complete: bool
    received: list[ReceivedDataset]


@dataclass
class FaultHarness:
    """A platform, its two days, and a lake. Every case starts from the lake as day one left it.

    `urls` and `days`: the sandbox of each day, and its date. `weeks`: read these weeks of the archive instead. `delta`:
    the second day is read incrementally. A delta need not report what it misses, but the next one must contain it.
    """

    platform: Platform
    folder: Path
    urls: tuple[str, str]
    days: tuple[date, date]
    weeks: tuple[tuple[date, date], tuple[date, date]] | None = None
    delta: bool = False
    concurrency: int = 8
    requests: list[str] = field(default_factory=list)
    _stores: int = 0

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True)
        self.vault = Vault(open_vault_database(f"sqlite:///{self.folder / 'vault.sqlite'}"), MasterKey(bytes(32)))
        self._lake_folder, self._prior_folder = self.folder / "lake", self.folder / "prior"
        self._address = LakeAddress(
            f"sqlite:{self._lake_folder / 'catalog.sqlite'}", f"{self._lake_folder / 'data'}/", self.folder / "spill"
        )
        self.lake = Lake(self._address)
        first = self.extract(0)
        self.prior = {
            name: {key: digest for key, (digest, _) in rows.items()}
            for name, rows in self._commit_undisturbed(first, 0)
        }
        self._since = self._watermarks()
        self.lake.close()
        copy_by_process(self._lake_folder, self._prior_folder)
        recorder = Recorder()
        second = self.extract(1, transport=recorder)
        self.requests = recorder.requests
        self.then = {landed.manifest.dataset: _hashes(landed, self.platform) for landed in second.landed()}
        self.undisturbed: dict[str, Table] = dict(self._commit_undisturbed(second, 1))

    def _commit_undisturbed(self, extracted: Extracted, day: int) -> list[tuple[str, Table]]:
        """Commit an undisturbed extract, which must be complete, and return the tables."""
        for outcome in self.commit(extracted, day):
            assert outcome.record.status == "complete", outcome.record
        return [(dataset.name, self.table(dataset)) for dataset in self.platform.datasets]

    def extract(
        self,
        day: int,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        store: ObjectStore | None = None,
        secrets: MemorySecrets | None = None,
        timeout_s: float = 10.0,
    ) -> Extracted:
        """Extract and land one day; raise a SyncError if nothing was fetched."""
        store = store or self.new_store()
        name, url = self.platform.name, self.urls[day]
        source = Source(
            base_url=f"{url}/{name}",
            archive_url=f"{url}/{name}_archive",
            credentials=CREDENTIALS,
            requests_per_second=None,
            concurrency=self.concurrency,
            ids_only=False,
            timeout_s=timeout_s,
            attempts=ATTEMPTS,
            transport=transport or httpx.AsyncHTTPTransport(verify=False),  # a TLS context costs more than the sync
        )
        fetch = Fetch(
            self.platform, source, secrets or MemorySecrets(), self._scope(day), "2026-11", new_sync_id(), run_id="run"
        )
        manifests = extract(fetch, Destination(store, self.vault), started_at=self._noon(day))
        land(store, manifests)
        return Extracted(manifests, store)

    def _noon(self, day: int) -> datetime:
        return datetime.combine(self.days[day], time(12), HONG_KONG).astimezone(UTC)

    def new_store(self) -> ObjectStore:
        self._stores += 1
        return open_store((self.folder / f"landing-{self._stores}").as_uri())

    def _scope(self, day: int) -> Scope:
        if self.weeks:
            return Scope(archive_period=self.weeks[day])
        return Scope("incremental", self._since) if self.delta and day else Scope()

    def _watermarks(self) -> dict[str, str]:
        """The time from which an incremental sync reads, per dataset."""
        overlap = self.platform.delta_overlap
        stored = watermarks(self.lake, self.platform.name).items()
        return {dataset: (moment - overlap).strftime("%Y-%m-%dT%H:%M:%SZ") for dataset, moment in stored}

    def commit(
        self, extracted: Extracted, day: int, *, minute: int = 0, only: set[str] | None = None
    ) -> list[CommitOutcome]:
        """Commit all or some datasets, as observed at noon of the day plus `minute` minutes."""
        observed_at = self._noon(day) + timedelta(minutes=minute)
        for manifest in extracted.manifests:
            manifest.observed_at = observed_at
        return [
            commit_landed(self.lake, HISTORY, TypedRows(landed, self.platform), "run", GUARD)
            for landed in extracted.landed()
            if only is None or landed.manifest.dataset in only
        ]

    def table(self, dataset: Dataset) -> Table:
        rows = self.ask(f"SELECT source_id, content_hash, removed_at IS NOT NULL FROM {self._named(dataset)}")
        assert len(rows) == len({source_id for source_id, *_ in rows}), "a source_id stands twice in the table"
        return {source_id: (digest, removed) for source_id, digest, removed in rows}

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        with self.lake.session() as session:
            return session.execute(query).fetchall()

    def _named(self, dataset: Dataset) -> str:
        return f'{LAKE}."{self.platform.name}"."{dataset.name}"'

    def verdict(
        self, extracted: Extracted, excused: frozenset[str] = frozenset(), *, in_a_lake: bool | None = None
    ) -> Verdict:
        """The violations in the extract of day two, and the status of each dataset.

        The landed rows are always compared. The extract, and a clean sync after it, are also committed to a real lake
        if `in_a_lake`, with `--full`, or if a dataset counts as complete and differs from the undisturbed one.
        `excused`: source_ids whose records were altered in a way that cannot be detected.
        """
        received = [self._received(landed) for landed in extracted.landed()]
        violations = [
            f"{each.dataset}: row {source_id} is neither day one's nor day two's"
            for each in received
            for source_id, digest in each.rows.items()
            if digest not in (self.prior[each.dataset].get(source_id), self.then[each.dataset].get(source_id))
            and source_id not in excused
        ]
        if in_a_lake or is_full():
            datasets = {each.dataset for each in received}
        else:
            datasets = {each.dataset for each in received if each.is_complete and not each.is_exact}
        if datasets:
            violations += self._violations_in_lake(extracted, datasets, excused)
        return Verdict(violations, all(each.is_complete for each in received), received)

    def _received(self, landed: LandedDataset) -> ReceivedDataset:
        every = TypedRows(landed, self.platform).reader().read_all()
        rows = every.filter(every["problems"].is_null())
        quarantined = every.num_rows - rows.num_rows
        ids_by_dataset: dict[str, set[tuple[str, bool]]] = {}
        for source_id, digest, deleted in zip(
            *(rows[name].to_pylist() for name in ("source_id", "content_hash", "deleted")), strict=True
        ):
            ids_by_dataset.setdefault(source_id, set()).add((digest, deleted))
        then = self.then[landed.manifest.dataset]
        agreed = {source_id: next(iter(each))[0] for source_id, each in ids_by_dataset.items() if len(each) == 1}
        return ReceivedDataset(
            landed.manifest.dataset,
            agreed,
            is_exact=agreed == then,
            is_complete=landed.manifest.complete and not quarantined and len(agreed) == len(ids_by_dataset),
        )

    def _violations_in_lake(self, extracted: Extracted, datasets: set[str], excused: frozenset[str]) -> list[str]:
        """Commit the extract to the lake of day one, then a clean sync of day two, and check both."""
        self._restore()
        violations: list[str] = []
        for outcome in self.commit(extracted, 1, only=datasets):
            dataset = self.platform.dataset(outcome.record.dataset or "")
            violations += [
                f"{dataset.name}: {violation}" for violation in self._violations_in(dataset, outcome, excused)
            ]
        before, self._since = self._since, self._watermarks()
        clean = self.extract(1, store=extracted.store)
        self._since = before
        for outcome in self.commit(clean, 1, minute=5, only=datasets):
            dataset = self.platform.dataset(outcome.record.dataset or "")
            if self.table(dataset) != self.undisturbed[dataset.name] or outcome.record.status != "complete":
                differing = dict(self.undisturbed[dataset.name].items() ^ self.table(dataset).items())
                violations.append(
                    f"{dataset.name}: the next clean sync is {outcome.record.status} and leaves {differing}"
                )
        return violations + [
            f"{dataset.name}: {violation}"
            for dataset in map(self.platform.dataset, sorted(datasets))
            for violation in self._history_violations(dataset)
        ]

    def _restore(self) -> None:
        """Restore the lake of day one."""
        self.lake.close()
        shutil.rmtree(self._lake_folder)
        copy_by_process(self._prior_folder, self._lake_folder)
        self.lake = Lake(self._address)

    def _violations_in(self, dataset: Dataset, outcome: CommitOutcome, excused: frozenset[str]) -> Iterator[str]:
        prior, then = self.prior[dataset.name], self.then[dataset.name]
        table, status = self.table(dataset), outcome.record.status
        undisturbed = self.undisturbed[dataset.name]
        for source_id, (digest, removed) in table.items():
            if digest not in (prior.get(source_id), then.get(source_id)) and source_id not in excused:
                yield f"row {source_id} is neither day one's nor day two's"
            if removed and not undisturbed.get(source_id, ("", False))[1]:
                yield f"row {source_id} is retired, and it exists"
        if missing := prior.keys() - table.keys():
            yield f"rows {sorted(missing)} are lost"
        is_whole = status == "complete" and not outcome.record.gaps
        if is_whole and table != undisturbed and not excused and not self.delta:
            differing = dict(list(table.items() ^ undisturbed.items())[:4])
            yield f"it is called complete, and differs from an undisturbed sync in {differing}"
        if status != "complete" and not outcome.record.reasons:
            yield "it is degraded without a reason"

    def _history_violations(self, dataset: Dataset) -> Iterator[str]:
        own = f"platform = '{self.platform.name}' AND dataset = '{dataset.name}'"
        twice = self.ask(
            f"SELECT entity_id FROM {LAKE}.{HISTORY} WHERE {own} GROUP BY entity_id, sync_id HAVING count(*) > 1"
        )
        if twice:
            yield f"changes of {twice} stand twice in one sync"
        with self.lake.session() as session:
            tracked = dataset_table(self.platform.name, dataset)
            replayed = replay(TemporaryTables(session), HISTORY, tracked)
            listed = ", ".join(f'"{name}"' for name in tracked.replayed)
            table = self._named(dataset)
            differing = session.execute(
                f"SELECT source_id FROM (SELECT {listed} FROM {replayed} EXCEPT ALL SELECT {listed} FROM {table}) "
                f"UNION ALL SELECT source_id FROM (SELECT {listed} FROM {table} EXCEPT ALL "
                f"SELECT {listed} FROM {replayed})"
            ).fetchall()
        if differing:
            yield f"replay and table differ in {differing}"


def _hashes(landed: LandedDataset, platform: Platform) -> Hashes:
    """The content hashes of the landed rows."""
    rows = TypedRows(landed, platform).reader().read_all()
    return dict(zip(rows["source_id"].to_pylist(), rows["content_hash"].to_pylist(), strict=True))
