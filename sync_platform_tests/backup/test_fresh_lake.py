"""A restore into a fresh lake gives exactly the commit that was asked for, and nothing half-restored looks whole."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from sync_platform.backup.backup_manifest import StoredFile, manifest_key
from sync_platform.backup.chosen_commit import ChosenCommit, choose_commit
from sync_platform.backup.creation import BackedUpInstallation, create_backup
from sync_platform.backup.drill import Drill
from sync_platform.backup.drill_state import drill_state
from sync_platform.backup.fresh_lake import RestoreIntoFreshLake
from sync_platform.backup.made_backups import made_backups
from sync_platform.backup.repository import REMOVED, Repository
from sync_platform.backup.repository_key import open_repository_key
from sync_platform.backup.restore_target import FreshHome, target_of
from sync_platform.errors import DamagedBackup, StorageError, UsageError
from sync_platform.lake.digest import digest_table
from sync_platform.lake.maintenance import maintain
from sync_platform.lineage.batches import check_batches
from sync_platform.lineage.findings import Findings
from sync_platform.lineage.replay_check import check_tables
from sync_platform.settings import load_settings
from sync_platform.storage.folder_store import FolderStore
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import Lake
from sync_platform.storage.object_store import ObjectStore
from sync_platform.storage.objects import open_store
from sync_platform.storage.operation_name import OperationName
from sync_platform_tests.backup.backed_up_lake import MENU, SEALED, BackedUpLake, backed_up_in
from sync_platform_tests.lake.harness import HISTORY


@pytest.fixture
def lake(tmp_path: Path) -> BackedUpLake:
    return backed_up_in(tmp_path / "home")


@dataclass
class Restores:
    """Restores of a backed-up lake into fresh homes, each in a new folder below `folder`."""

    lake: BackedUpLake
    folder: Path
    made: int = field(default=0)

    def home(self) -> FreshHome:
        self.made += 1
        return FreshHome(self.folder / f"fresh-{self.made}")

    def of(
        self, chosen: ChosenCommit, target: LakeAddress, data: ObjectStore | None = None, sources: tuple[str, ...] = ()
    ) -> RestoreIntoFreshLake:
        scratch = self.folder / f"scratch-{self.made}"
        scratch.mkdir(exist_ok=True)
        store = data or open_store(Path(target.data).as_uri())
        platforms = {"diner": self.lake.harness.platform}
        return RestoreIntoFreshLake(
            self.lake.repository, chosen, target, store, HISTORY, platforms, sources, scratch, lambda step: None
        )

    def restored(self, chosen: ChosenCommit) -> Lake:
        home = self.home()
        self.of(chosen, home.lake).run("run")
        return Lake(home.lake)


@pytest.fixture
def restores(lake: BackedUpLake, tmp_path: Path) -> Restores:
    return Restores(lake, tmp_path)


def _is_equal_at(original: Lake, snapshot: int, restored: Lake) -> bool:
    with original.session() as one, restored.session() as other:
        newest = other.execute("SELECT id FROM lake.current_snapshot()").fetchall()[0][0]
        tables = other.execute(
            "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = 'lake'"
        ).fetchall()
        names = [f'"{schema}"."{table}"' for schema, table in tables]
        assert '"diner"."dishes"' in names
        return all(digest_table(one, name, snapshot) == digest_table(other, name, newest) for name in names)


def _lineage_holds(lake: Lake, backed_up: BackedUpLake) -> bool:
    findings, table = Findings(), backed_up.harness.tracked
    with lake.session() as session:
        check_batches(session, HISTORY, findings)
        check_tables(session, HISTORY, {(table.schema, table.name): table}, findings)
    return findings.holds and findings.tables == 1


def test_the_newest_state_is_restored_with_every_column_and_its_lineage_holds(
    lake: BackedUpLake, restores: Restores
) -> None:
    manifest = lake.make("full").manifest
    chosen = choose_commit(lake.repository, manifest.id, None)
    with restores.restored(chosen) as restored:
        assert _is_equal_at(lake.harness.lake, chosen.commit.snapshot, restored)
        assert _lineage_holds(restored, lake)


def test_any_commit_is_restored_to_its_digest_after_a_merge_and_more_syncs(
    lake: BackedUpLake, restores: Restores
) -> None:
    lake.make("full")
    maintain(lake.harness.lake, 3650, datetime.now().astimezone(), "run-m")
    lake.harness.sync(MENU[:3], hour=30)
    lake.make()
    with_dishes = [each for each in lake.repository.manifests()[-1].commits if each.batch_number > 0]
    for commit in {with_dishes[0].snapshot: with_dishes[0], with_dishes[1].snapshot: with_dishes[1]}.values():
        chosen = choose_commit(lake.repository, None, commit.at)
        assert chosen.commit.snapshot == commit.snapshot
        with restores.restored(chosen) as restored:
            assert _is_equal_at(lake.harness.lake, commit.snapshot, restored)
            assert _lineage_holds(restored, lake)


def test_a_lake_that_was_restored_to_an_earlier_commit_can_be_backed_up(
    lake: BackedUpLake, restores: Restores, tmp_path: Path
) -> None:
    lake.make("full")
    chosen = choose_commit(lake.repository, None, lake.repository.manifests()[-1].commits[-2].at)
    assert not chosen.is_newest
    with restores.restored(chosen) as restored:
        address = restored.address
    data, repository = open_store(Path(address.data).as_uri()), FolderStore(tmp_path / "other_store")
    key = open_repository_key(repository, lake.harness.vault.backups, may_create=True)
    installation = BackedUpInstallation(address, data, "lineage", lake.ledger_url)
    commits = create_backup(installation, Repository(repository, key), "full", SEALED).manifest.commits
    assert (commits[0].batch_number, commits[-1].batch_number) == (0, chosen.commit.batch_number)


def test_a_restore_that_is_killed_before_the_catalog_has_no_lake_and_a_repeat_completes_it(
    lake: BackedUpLake, restores: Restores
) -> None:
    lake.make("full")
    chosen, home = choose_commit(lake.repository, None, None), restores.home()

    def killed(whole: LakeAddress) -> None:
        with Lake(whole, read_only=True) as restored:
            assert _is_equal_at(lake.harness.lake, chosen.commit.snapshot, restored)
        raise KeyboardInterrupt

    home.begin(chosen)
    with pytest.raises(KeyboardInterrupt):
        restores.of(chosen, home.lake).run("run", prepare=killed)
    assert not home.lake.exists
    assert any(Path(home.lake.data).rglob("*.parquet"))
    home.require_empty(chosen)
    restores.of(chosen, home.lake).run("run")
    home.finish()
    with Lake(home.lake) as restored:
        assert _is_equal_at(lake.harness.lake, chosen.commit.snapshot, restored)


def test_a_damaged_object_stops_the_restore_and_is_named(lake: BackedUpLake, restores: Restores) -> None:
    manifest = lake.make("full").manifest
    file: StoredFile = next(manifest.with_role("data"))
    lake.store.put(file.name, lake.store.get(file.name)[:-1])
    home = restores.home()
    with pytest.raises(DamagedBackup, match=file.path):
        restores.of(choose_commit(lake.repository, None, None), home.lake).run("run")
    assert not home.lake.exists


def test_a_target_that_is_not_empty_is_refused(lake: BackedUpLake, restores: Restores) -> None:
    lake.make("full")
    chosen = choose_commit(lake.repository, None, None)
    with pytest.raises(UsageError, match="not empty"):
        restores.of(chosen, lake.harness.lake.address).run("run")
    home = restores.home()
    home.folder.mkdir()
    (home.folder / "notes.txt").touch()
    with pytest.raises(UsageError, match="not empty"):
        home.require_empty(chosen)


def test_another_environment_and_the_home_itself_are_wrong_targets(tmp_path: Path) -> None:
    settings = load_settings(sync_home=tmp_path / "home", environment="staging")
    assert target_of("staging", settings) is None
    with pytest.raises(UsageError, match="this installation is staging"):
        target_of("production", settings)
    with pytest.raises(UsageError, match="--target staging"):
        target_of(str(tmp_path / "home"), settings)


def test_a_moment_before_the_oldest_commit_is_refused_with_that_commits_time(lake: BackedUpLake) -> None:
    manifest = lake.make("full").manifest
    with pytest.raises(UsageError, match="the oldest commit in any backup is of"):
        choose_commit(lake.repository, None, manifest.commits[0].at - timedelta(seconds=1))
    with pytest.raises(UsageError, match="there is no backup full-2026-01-01T00-00-00-000Z-abcdef"):
        choose_commit(lake.repository, "full-2026-01-01T00-00-00-000Z-abcdef", None)


def test_an_older_backup_is_taken_only_by_its_id_where_the_newest_is_gone(lake: BackedUpLake) -> None:
    first = lake.make("full").manifest
    lake.make(sources=["diner"])
    lake.harness.sync([{"id": 1, "name": "Soup"}], hour=30, mode="incremental")
    gone = lake.make().manifest
    lake.store.delete(manifest_key(gone.id))
    made = made_backups(lake.audit_log.entries(), lake.store.url)
    refusal = f"{gone.id} is not in .*entry 3 of the audit log says that it was made; .*restore {first.id} by its id"
    for moment in (None, datetime.now(UTC)):
        with pytest.raises(DamagedBackup, match=refusal):
            choose_commit(lake.repository, None, moment, made=made)
    assert choose_commit(lake.repository, first.id, None, made=made).manifest == first
    earlier = first.commits[0].at
    assert choose_commit(lake.repository, None, earlier, made=made).commit.at == earlier
    newer = lake.make().manifest
    made = made_backups(lake.audit_log.entries(), lake.store.url)
    assert choose_commit(lake.repository, None, None, made=made).manifest == newer
    lake.store.delete(manifest_key(newer.id))
    for each in (gone, newer):  # as retention does
        lake.store.put(f"{REMOVED}{each.id}.json", b"{}")
    assert choose_commit(lake.repository, None, None, made=made).manifest == first
    assert made_backups(lake.audit_log.entries(), "s3://another") == []


def test_a_backup_of_one_platform_that_is_gone_hinders_only_its_restore(lake: BackedUpLake) -> None:
    first = lake.make("full").manifest
    gone = lake.make(sources=["diner"]).manifest
    lake.store.delete(manifest_key(gone.id))
    made = made_backups(lake.audit_log.entries(), lake.store.url)
    assert choose_commit(lake.repository, None, None, made=made).manifest == first
    with pytest.raises(DamagedBackup, match=f"{gone.id} is not in "):
        choose_commit(lake.repository, None, None, ["diner"], made)
    lake.store.delete(manifest_key(first.id))
    with pytest.raises(DamagedBackup, match=f"{first.id} is not in .* restore from a replica"):
        choose_commit(lake.repository, None, None, made=made)


def test_a_catalog_of_a_newer_format_is_refused(lake: BackedUpLake, restores: Restores) -> None:
    made = lake.make("full").manifest
    newer = msgspec.structs.replace(made, versions={"ducklake": "2.0"})
    chosen = ChosenCommit(newer, made.commits[-1])
    with pytest.raises(StorageError, match=r"format 2\.0"):
        restores.of(chosen, restores.home().lake).run("run")


def test_a_laptop_is_restored_into_postgresql_and_s3_and_takes_a_commit_there(
    lake: BackedUpLake, restores: Restores, postgres_server: object, s3_server: object, request: pytest.FixtureRequest
) -> None:
    import boto3

    from sync_platform_tests.installations import installed

    lake.make("full")
    chosen = choose_commit(lake.repository, None, None)
    with installed("fleet", request) as settings:
        address = LakeAddress.of(load_settings(sync_home=restores.folder / "fleet"))
        client = boto3.session.Session().client("s3", region_name=address.region, endpoint_url=address.endpoint)
        data = open_store(settings["LAKE_DATA"], client)
        restores.home()
        restores.of(chosen, address, data).run("run")
        with Lake(address) as restored:
            assert _is_equal_at(lake.harness.lake, chosen.commit.snapshot, restored)
            with restored.session() as session:
                session.execute("DELETE FROM diner.dishes WHERE source_id = '1'")
                assert session.execute("SELECT count(*) FROM diner.dishes").fetchall() == [(7,)]


def test_a_drill_that_failed_is_late_or_never_ran_is_a_problem(lake: BackedUpLake) -> None:
    log, now = lake.audit_log, datetime.now(UTC)
    assert "ever run" in (drill_state(log.entries(), now).problem or "")
    log.record(OperationName.drill, {"rto_s": 2.5, "rpo_s": 0}, actor="ada", via="cli", outcome="failed")
    assert "did not pass" in (drill_state(log.entries(), now).problem or "")
    passed = log.record(OperationName.drill, {"rto_s": 2.5, "rpo_s": 0}, actor="ada", via="cli")
    state = drill_state(log.entries(), passed.at + timedelta(days=7))
    assert (state.problem, state.rto_s) == (None, 2.5)
    assert "9 days ago" in (drill_state(log.entries(), passed.at + timedelta(days=9)).problem or "")


def test_a_drill_passes_and_fails_where_the_restored_table_is_not_that_of_the_lake(
    lake: BackedUpLake, tmp_path: Path
) -> None:
    lake.make("full")
    table = lake.harness.tracked
    tables, scratch = {(table.schema, table.name): table}, tmp_path / "drill"

    def drill(number: int) -> Drill:
        (scratch / str(number)).mkdir(parents=True)
        platforms = {"diner": lake.harness.platform}
        kept = timedelta(days=3650)
        address = lake.harness.lake.address
        return Drill(
            lake.repository, [], address, HISTORY, platforms, tables, kept, scratch / str(number), lambda step: None
        )

    report = drill(1).run()
    assert report.passed, report.problems
    assert report.compared == report.tables > 5
    assert report.rpo_s == 0
    catalog = lake.harness.lake.address.catalog_file
    lake.harness.lake.close()
    with sqlite3.connect(str(catalog)) as connection:  # as if the lake's content were another one at that commit
        connection.execute(
            """UPDATE ducklake_data_file SET begin_snapshot = begin_snapshot + 100
            WHERE table_id = (SELECT table_id FROM ducklake_table WHERE table_name = 'dishes')"""
        )
    assert not drill(2).run().passed
