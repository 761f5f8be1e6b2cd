"""A small platform, and a lake into which tests sync lists of its records."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import msgspec

from sync_platform.lake.commit import commit_landed
from sync_platform.lake.commit_outcome import CommitOutcome
from sync_platform.lake.file_proof import FileProof
from sync_platform.lake.replay import END_OF_TIME, replay
from sync_platform.lake.retirement import PLATFORM_GUARD, ShrinkGuard
from sync_platform.lake.rows import TypedRows
from sync_platform.lake.tracked_table import TrackedTable, dataset_table
from sync_platform.landing.destination import Destination
from sync_platform.landing.manifest import land
from sync_platform.landing.reader import LandedDataset
from sync_platform.landing.writer import DatasetWriter
from sync_platform.privacy.recorded_corrections import corrections_at
from sync_platform.privacy.request_register import restricted_subjects
from sync_platform.settings import Settings, load_settings
from sync_platform.sources.columns import Row, column
from sync_platform.sources.declaration import Dataset, Pace, Platform, Terms
from sync_platform.sources.decoding import Decoding
from sync_platform.sources.extraction import Extraction
from sync_platform.sources.gaps import Gaps
from sync_platform.sources.received import Page, Record
from sync_platform.sources.reply import Reply
from sync_platform.storage.amazon_session import amazon_session
from sync_platform.storage.audit_log import AuditLog
from sync_platform.storage.file_lists import FileLists
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import Lake
from sync_platform.storage.objects import open_store
from sync_platform.storage.temporary_tables import TemporaryTables
from sync_platform.vault.erased_values import erased_subjects_at
from sync_platform.vault.master_key import MasterKey
from sync_platform.vault.seal import Vault, open_vault_database

HISTORY = "lineage.changes"


class Dish(msgspec.Struct):
    """A record as sent."""

    id: int
    name: str | None = None
    price: float | None = None
    rating: float | None = None
    tags: list[str] = []
    since: str | None = None
    sold_out: bool | None = None
    updated_at: str | None = None
    stock: int | None = None


class DishRow(Row):
    """A record as stored."""

    name: Annotated[str | None, column("Name")] = None
    price_hkd: Annotated[Decimal | None, column("Price", unit="HKD")] = None
    rating: Annotated[float | None, column("Rating")] = None
    tags: Annotated[list[str], column("Tags")] = []
    since: Annotated[date | None, column("On the menu since")] = None
    sold_out: Annotated[bool | None, column("Whether it is sold out")] = None
    updated_at: Annotated[datetime | None, column("When it changed")] = None
    stock: Annotated[int | None, column("Portions left")] = None


def _row(dish: Dish) -> DishRow:
    return DishRow(
        source_id=str(dish.id),
        name=dish.name,
        price_hkd=None if dish.price is None else Decimal(str(dish.price)).quantize(Decimal("0.01")),
        rating=dish.rating,
        tags=dish.tags,
        since=None if dish.since is None else date.fromisoformat(dish.since),
        sold_out=dish.sold_out,
        updated_at=None if dish.updated_at is None else datetime.fromisoformat(dish.updated_at),
        stock=dish.stock,
    )


DISHES = Dataset(
    "dishes",
    "Dishes of a diner.",
    DishRow,
    key=("id",),
    decoding=Decoding(Dish, _row),
    volatile=frozenset({"stock"}),
    cursor="updated_at",
    deleted="deleted",
)


def diner(name: str = "diner", tolerance: float = 0.5, dataset: Dataset = DISHES) -> Platform:
    """A platform of that name."""

    class Diner(Platform):
        title, description, live_base_url = "Diner", "A diner.", "https://diner.example"
        cadence, priority = "monthly", "low"
        terms, pace = Terms("ours", "https://diner.example/terms", agreement_needed=False), Pace(1, 1)
        datasets = (dataset,)
        shrink_tolerance = tolerance

        def headers(self, credentials: Mapping[str, str]) -> dict[str, str]:
            return {}

        def pages(self, extraction: Extraction) -> AsyncIterator[Page]:
            raise NotImplementedError

    Diner.name = name
    return Diner()


def begin_log(home: Path) -> None:
    """The first entry of the audit log, which an installation has before its first commit."""
    log = AuditLog(load_settings(sync_home=home).ledger_url)
    log.record("sync", {"platforms": ["diner"], "n": 0}, actor="ada", via="cli")
    log.close()


@dataclass
class LakeHarness:
    """Syncs lists of records of one platform into one lake, observed at the given hours.

    Settings say where lake, landing and vault are; without settings they are below `folder`.
    """

    folder: Path
    platform: Platform = field(default_factory=diner)
    _numbers: Any = field(default_factory=lambda: itertools.count(1))
    partition: str = "2026-11"

    def __post_init__(self) -> None:
        settings = load_settings(sync_home=self.folder)
        self.store = open_store(settings.landing_url, _s3_client(settings))
        self.lake = Lake(LakeAddress.of(settings))
        self.vault_url, self.ledger_url = settings.vault_url, settings.ledger_url
        self.vault = Vault(open_vault_database(self.vault_url), MasterKey(bytes(32)))

    def land(self, records: list[Record], hour: float, mode: str = "full", gaps: Gaps | None = None) -> LandedDataset:
        """Land one page of records."""
        dataset = self.platform.datasets[0]
        number = next(self._numbers)
        name, sync_id = self.platform.name, f"sync-{number:05d}"
        writer = DatasetWriter(Destination(self.store, self.vault), name, dataset, self.partition, sync_id)
        reply = Reply(self.platform.name, "http://diner.test/dishes", 200, datetime.now(UTC), b"[]")
        writer.add(Page(dataset.name, [dict(record) for record in records], (reply,)))
        at = datetime.fromtimestamp(1_790_000_000 + hour * 3600, UTC)
        manifest = writer.finish(
            run_id=f"run-{number}",
            mode=mode,  # type: ignore[arg-type]
            started_at=at,
            observed_at=at,
            gaps=gaps or Gaps(claimed=len({record.get("id") for record in records}), pages_expected=1),
        )
        land(self.store, [manifest])
        return LandedDataset(manifest, self.store)

    def sync(
        self,
        records: list[Record],
        hour: float,
        mode: str = "full",
        gaps: Gaps | None = None,
        guard: ShrinkGuard = PLATFORM_GUARD,
    ) -> CommitOutcome:
        return self.commit(self.land(records, hour, mode, gaps), guard)

    def commit(self, landed: LandedDataset, guard: ShrinkGuard = PLATFORM_GUARD) -> CommitOutcome:
        rows = TypedRows(
            landed,
            self.platform,
            erased=lambda: erased_subjects_at(self.vault_url),
            corrections=corrections_at(self.ledger_url),
            restricted=lambda: restricted_subjects(self.ledger_url),
        )
        return commit_landed(self.lake, HISTORY, rows, landed.manifest.run_id, guard)

    def as_of(self, hour: float, columns: str, known_before: datetime = END_OF_TIME) -> list[tuple[Any, ...]]:
        """The table as it was at that hour, removed rows included, from the history alone."""
        with self.lake.session() as session:
            until = datetime.fromtimestamp(1_790_000_000 + hour * 3600, UTC)
            then = replay(TemporaryTables(session), HISTORY, self.tracked, until=until, known_before=known_before)
            return session.execute(f"SELECT {columns} FROM {then} ORDER BY source_id").fetchall()

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        with self.lake.session() as session:
            return session.execute(query).fetchall()

    def table(self, columns: str = "source_id, name", live: bool = True) -> list[tuple[Any, ...]]:
        where = "WHERE removed_at IS NULL" if live else ""
        return self.ask(
            f"SELECT {columns} FROM {self.platform.name}.{self.platform.datasets[0].name} {where} ORDER BY source_id"
        )

    def changes(self, columns: str = "operation, entity_id") -> list[tuple[Any, ...]]:
        return self.ask(
            f"SELECT {columns} FROM {HISTORY} WHERE platform = '{self.platform.name}' "
            "ORDER BY observed_at, committed_at, entity_id"
        )

    @property
    def tracked(self) -> TrackedTable:
        """The platform's table."""
        return dataset_table(self.platform.name, self.platform.datasets[0])

    def replay_differs(self) -> list[tuple[Any, ...]]:
        """Rows in which the replayed history and the table differ, without volatile columns."""
        columns = ", ".join(f'"{name}"' for name in self.tracked.replayed)
        with self.lake.session() as session:
            replayed = replay(TemporaryTables(session), HISTORY, self.tracked)
            table = f"lake.{self.tracked.sql}"
            return session.execute(
                f"(SELECT 'replayed only', {columns} FROM {replayed} EXCEPT ALL SELECT 'replayed only', {columns} "
                f"FROM {table}) UNION ALL (SELECT 'table only', {columns} FROM {table} EXCEPT ALL "
                f"SELECT 'table only', {columns} FROM {replayed})"
            ).fetchall()

    def file_proof(self, lake: Lake | None = None) -> FileProof:
        """The proof of the lake's files, read through `lake` if it is given."""
        settings = load_settings(sync_home=self.folder)
        data = self.lake.address.data
        url = data if self.lake.address.is_remote else Path(data).as_uri()
        return FileProof(lake or self.lake, open_store(url, _s3_client(settings)), FileLists(settings.ledger_url))

    def files(self) -> set[str]:
        """Every Parquet file of the platform's table and of the history, without those of sync records."""
        rows = self.ask(f"SELECT file FROM glob('{self.lake.address.data}/**/*.parquet')")
        return {path for (path,) in rows if not {"sync", "quality"} & set(path.split("/"))}


def _s3_client(settings: Settings) -> Any:
    if not settings.landing_url.startswith("s3://"):
        return None
    return amazon_session().client("s3", region_name=settings.aws_region, endpoint_url=settings.aws_endpoint_url)
