"""An edited, deleted, inserted or reordered row, in a table or in a file, is found, and its place is named."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sync_platform.errors import StorageError
from sync_platform.lake.chain import Batch, batches
from sync_platform.lake.tracked_table import dataset_table
from sync_platform.settings import load_settings
from sync_platform.storage.audit_log import audit_log
from sync_platform.storage.operation_name import OperationName
from sync_platform.vault.master_key import MasterKey
from sync_platform.vault.seal import Vault, open_vault_database
from sync_platform_tests.extent import rotated_pairs
from sync_platform_tests.lake.harness import LakeHarness, diner
from sync_platform_tests.lineage.conftest import VISITORS, AuditedLake

CHANGES = "lake.lineage.changes"
BATCHES = "lake.lineage.batches"
REWRITTEN = ("lineage/changes", "diner/dishes")
ADD = (
    "INSERT INTO audit_log SELECT 5, at, actor, via, operation, subject, outcome, link, link "
    "FROM audit_log WHERE number = 4"
)
ONE = "platform = 'diner' AND entity_id = '3' AND operation = 'insert' AND sync_id = 'sync-00001'"


@pytest.mark.parametrize(
    "edit",
    [
        "platform = 'tea'",
        "dataset = 'drinks'",
        "entity_id = '33'",
        "operation = 'restore'",
        "changed_fields = ['name']",
        "before = '{}'",
        "after = replace(after::VARCHAR, 'Dish 3', 'Dish 4')",
        "content_hash = 'forged'",
        "landing_object = NULL",
        "landing_line = landing_line + 1",
        "partition = '2026-10'",
        "sync_id = 'sync-00009'",
        "run_id = 'forged'",
        "observed_at = observed_at + INTERVAL 1 MICROSECOND",
        "committed_at = committed_at + INTERVAL 1 MICROSECOND",
    ],
)
def test_an_edit_of_any_column_of_a_change_is_found(shared_audited: AuditedLake, edit: str) -> None:
    chain_break = shared_audited.found_after(f"UPDATE {CHANGES} SET {edit} WHERE {ONE}")
    assert (chain_break.where, chain_break.number) == ("batch", 1)


def test_a_change_deleted_is_found(shared_audited: AuditedLake) -> None:
    chain_break = shared_audited.found_after(f"DELETE FROM {CHANGES} WHERE {ONE}")
    assert "it lacks 1 of its 8 changes" in chain_break.what


@pytest.mark.parametrize(
    ("moment", "message"),
    [
        ("committed_at", "it has 1 change more than its 8"),
        ("committed_at + INTERVAL 1 DAY", "no batch has 1 change of it"),
        ("committed_at - INTERVAL 1 DAY", "no batch has 1 change of it"),
        ("NULL::TIMESTAMPTZ", "no batch has 1 change of it"),
    ],
)
def test_an_inserted_change_is_found_inside_and_outside_of_batches(
    shared_audited: AuditedLake, moment: str, message: str
) -> None:
    replaced = f"REPLACE ('9' AS entity_id, {moment} AS committed_at)"
    assert (
        message
        in shared_audited.found_after(f"INSERT INTO {CHANGES} SELECT * {replaced} FROM {CHANGES} WHERE {ONE}").what
    )


def test_two_changes_in_swapped_order_are_found(shared_audited: AuditedLake) -> None:
    """Changes are ordered by time: the changes of hours 0 and 10 swap their times."""
    first, second = "sync_id = 'sync-00001'", "sync_id = 'sync-00002'"
    moved = ", ".join(
        f"{name} = CASE WHEN {first} THEN (SELECT max({name}) FROM {CHANGES} WHERE {second}) "
        f"ELSE (SELECT max({name}) FROM {CHANGES} WHERE {first}) END"
        for name in ("observed_at", "committed_at")
    )
    chain_break = shared_audited.found_after(
        f"UPDATE {CHANGES} SET {moved} WHERE entity_id = '1' AND ({first} OR {second})"
    )
    assert chain_break.number == 1


def test_a_column_added_to_the_history_is_found(shared_audited: AuditedLake) -> None:
    chain_break = shared_audited.found_after(f"ALTER TABLE {CHANGES} ADD COLUMN remark VARCHAR")
    assert "a column 'remark' that no digest covers" in chain_break.what


@pytest.mark.parametrize("name", list(Batch.__dataclass_fields__))
def test_an_edit_of_any_column_of_a_batch_is_found(shared_audited: AuditedLake, name: str) -> None:
    edits = {"number": "20", "committed_from": "now()", "committed_to": "now()", "kind": "'opening'"}
    counts = dict.fromkeys(("inserted", "updated", "removed", "restored"), "7")
    tampering = f'UPDATE {BATCHES} SET "{name}" = {(edits | counts).get(name, "repeat($$1$$, 64)")} WHERE number = 3'
    assert shared_audited.found_after(tampering).number in (3, 4, 20)


@pytest.mark.parametrize(
    ("tampering", "message"),
    [
        (f"DELETE FROM {BATCHES} WHERE number = 3", "batch number 4 (diner.dishes"),
        (f"DELETE FROM {BATCHES} WHERE number = 5", "changes (diner.dishes"),
        (f"INSERT INTO {BATCHES} FROM {BATCHES} WHERE number = 3", "batch number 3 (tea.dishes"),
        (
            f"INSERT INTO {BATCHES} SELECT * REPLACE (6 AS number, link AS previous) FROM {BATCHES} WHERE number = 5",
            "batch number 6 (diner.dishes",
        ),
        (f"UPDATE {BATCHES} SET number = 5 - number WHERE number IN (2, 3)", "batch number 2 (tea.dishes"),
        (f"DELETE FROM {BATCHES}", "changes (diner.dishes"),
    ],
    ids=["deleted", "last-deleted", "doubled", "inserted", "reordered", "all-deleted"],
)
def test_a_batch_deleted_inserted_or_reordered_is_found(
    shared_audited: AuditedLake, tampering: str, message: str
) -> None:
    assert str(shared_audited.found_after(tampering)).startswith(message)


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE lake.diner.dishes SET name = 'forged' WHERE source_id = '3'",
        "UPDATE lake.diner.dishes SET removed_at = now() WHERE source_id = '3'",
        "DELETE FROM lake.diner.dishes WHERE source_id = '3'",
        "INSERT INTO lake.diner.dishes SELECT * REPLACE ('33' AS source_id) FROM lake.diner.dishes LIMIT 1",
        "INSERT INTO lake.diner.dishes FROM lake.diner.dishes WHERE source_id = '3'",
        "UPDATE lake.diner.dishes SET source_id = (7 - source_id::INT)::VARCHAR WHERE source_id IN ('3', '4')",
        "DROP TABLE lake.diner.dishes",
    ],
    ids=["edited", "retired", "deleted", "inserted", "doubled", "reordered", "dropped"],
)
def test_a_table_that_differs_from_its_history_is_found(shared_audited: AuditedLake, tampering: str) -> None:
    assert str(shared_audited.found_after(tampering)).startswith("table (diner.dishes): ")


def _in_parquet(audited: AuditedLake, table: str, change: Callable[[pa.Table], pa.Table], *, covered_up: bool) -> None:
    """Rewrite each of the table's files that has two rows or more; `covered_up`: also adapt the catalog."""
    folder = audited.harness.folder / "lake" / "data" / table
    for path in sorted(folder.rglob("*.parquet")):
        rows = pq.read_table(path, partitioning=None)
        if rows.num_rows < 2 or "-delete" in path.name:
            continue
        changed = change(rows)
        pq.write_table(changed, path)
        if covered_up:
            figures = (path.stat().st_size, pq.read_metadata(path).serialized_size, changed.num_rows, path.name)
            _sqlite(
                audited.harness.folder / "lake" / "catalog.sqlite",
                "UPDATE ducklake_data_file SET file_size_bytes = {}, footer_size = {}, record_count = {} "
                "WHERE path LIKE '%{}'".format(*figures),
            )


def _edit(rows: pa.Table, name: str) -> pa.Table:
    values = rows.column(name).to_pylist()[::-1]
    return rows.set_column(rows.column_names.index(name), rows.field(name), pa.array(values, rows.field(name).type))


def _insert(rows: pa.Table, name: str) -> pa.Table:
    return pa.concat_tables([rows, _edit(rows.slice(0, 2), name).slice(0, 1)])


FORGERIES = {
    "edited": _edit,
    "deleted": lambda rows, _: rows.slice(1),
    "inserted": _insert,
    "reordered": lambda rows, _: rows.take(list(range(rows.num_rows))[::-1]),
}


@pytest.mark.parametrize(("how", "table"), rotated_pairs(list(FORGERIES), REWRITTEN))
def test_a_file_rewritten_is_found(audited: AuditedLake, table: str, how: str) -> None:
    """The file differs from its entry in the catalog."""
    name = "after" if table == "lineage/changes" else "name"
    _in_parquet(audited, table, lambda rows: FORGERIES[how](rows, name), covered_up=False)
    assert audited.verify().breaks


@pytest.mark.parametrize(("how", "table"), rotated_pairs(["edited", "deleted", "inserted"], REWRITTEN))
def test_a_file_rewritten_together_with_the_catalog_is_found_by_its_content(
    audited: AuditedLake, table: str, how: str
) -> None:
    name = "after" if table == "lineage/changes" else "name"
    _in_parquet(audited, table, lambda rows: FORGERIES[how](rows, name), covered_up=True)
    assert audited.verify().breaks[0].where == ("batch" if table == "lineage/changes" else "table")


def test_the_position_of_a_row_in_its_file_has_no_effect(audited: AuditedLake) -> None:
    """Compaction moves rows. The order of rows is in their columns, which are hashed."""
    before = audited.harness.table("*")
    _in_parquet(audited, "lineage/changes", lambda rows: FORGERIES["reordered"](rows, ""), covered_up=True)
    assert audited.verify().breaks == []
    assert (audited.harness.table("*"), audited.harness.replay_differs()) == (before, [])


def test_a_file_that_is_gone_or_cut_short_is_found(audited: AuditedLake) -> None:
    path = next((audited.harness.folder / "lake" / "data" / "lineage" / "changes").rglob("*.parquet"))
    body = path.read_bytes()
    path.write_bytes(body[: len(body) // 2])
    assert audited.verify().breaks
    path.unlink()
    assert path.name in audited.found()


def _landed_lines(audited: AuditedLake) -> tuple[Path, list[bytes]]:
    import zstandard

    path = next(path for path in (audited.harness.folder / "landing_store").rglob("*") if path.suffix == ".zst")
    return path, zstandard.ZstdDecompressor().decompressobj().decompress(path.read_bytes()).splitlines(keepends=True)


@pytest.mark.parametrize(
    "change",
    [
        lambda lines: [lines[0].replace(b"Dish", b"Fish"), *lines[1:]],
        lambda lines: lines[1:],
        lambda lines: [*lines, lines[0]],
        lambda lines: [lines[1], lines[0], *lines[2:]],
    ],
    ids=["edited", "deleted", "inserted", "reordered"],
)
def test_a_landed_line_tampered_with_is_found(
    audited: AuditedLake, change: Callable[[list[bytes]], list[bytes]]
) -> None:
    import zstandard

    path, lines = _landed_lines(audited)
    path.write_bytes(zstandard.ZstdCompressor().compress(b"".join(change(lines))))
    assert audited.verify().breaks == []  # only verification with `landing` reads landed objects
    (chain_break,) = audited.verify(landing=True).breaks
    assert "hashes to" in str(chain_break)
    path.unlink()
    (chain_break,) = audited.verify(landing=True).breaks
    assert "is gone" in str(chain_break)


def test_a_landed_line_tampered_with_together_with_its_manifest_is_found_by_the_chain(audited: AuditedLake) -> None:
    import zstandard

    path, lines = _landed_lines(audited)
    manifest = path.with_name("manifest.json")
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    path.write_bytes(zstandard.ZstdCompressor().compress(b"".join([lines[0].replace(b"Dish", b"Fish"), *lines[1:]])))
    manifest.write_text(manifest.read_text().replace(before, hashlib.sha256(path.read_bytes()).hexdigest()))
    (chain_break,) = audited.verify(landing=True).breaks
    assert "is not the one that the chain of batches names" in str(chain_break)


def test_an_anchor_that_is_gone_is_found(audited: AuditedLake) -> None:
    key = audited.installation.anchor()
    subject = {"store": audited.installation.anchors.url, "key": key}
    audited.installation.audit_log.record(OperationName.anchor, subject, actor="ada", via="cli")
    assert audited.verify().breaks == []
    audited.installation.anchors.delete(key)
    assert "it is gone, though entry 5 of the audit log says that it was made" in audited.found()


def test_an_anchor_in_the_store_of_another_machine_is_named_and_one_in_a_moved_store_is_found(
    audited: AuditedLake,
) -> None:
    key = audited.installation.anchor()
    for subject in (
        {"store": "file:///earlier/home/backup_store", "key": key},
        {"store": "file:///other/backup_store", "key": "anchors/2026-11-01T00-00-00-000000Z-1-1.json"},
    ):
        audited.installation.audit_log.record(OperationName.anchor, subject, actor="ada", via="cli")
    findings = audited.verify()
    assert findings.breaks == []
    assert findings.anchors_elsewhere == ["file:///other/backup_store/anchors/2026-11-01T00-00-00-000000Z-1-1.json"]


def test_a_person_forgotten_breaks_nothing(audited: AuditedLake) -> None:
    """The key is destroyed, so no copy of the value can be read; no row, file or digest changes."""
    harness = LakeHarness(audited.harness.folder, diner("visitors", dataset=VISITORS))
    harness.sync([{"id": 1, "name": "Chan Tai Man"}, {"id": 2, "name": "Wong Siu Ming"}], hour=0)
    harness.sync([{"id": 1, "name": "Chan Tai-man"}, {"id": 2, "name": "Wong Siu Ming"}], hour=1)
    audited.installation.tables["visitors", "dishes"] = dataset_table("visitors", VISITORS)  # type: ignore[index]
    (sealed,) = harness.ask("SELECT name FROM visitors.dishes WHERE source_id = '1'")[0]
    assert harness.vault.unseal("visitors", "name", sealed) == "Chan Tai-man"
    _sqlite(
        harness.folder / "vault" / "vault.sqlite",
        f"DELETE FROM subject_keys WHERE subject_id = '{sealed.split(':')[2]}'",
    )
    forgetful = Vault(open_vault_database(load_settings(sync_home=harness.folder).vault_url), MasterKey(bytes(32)))
    with pytest.raises(StorageError, match="destroyed"):
        forgetful.unseal("visitors", "name", sealed)
    assert audited.verify(landing=True).breaks == []
    harness.lake.close()


@pytest.mark.parametrize(
    "edit", ["at", "actor", "via", "operation", "subject", "outcome", "previous", "link", "number"]
)
def test_an_edit_of_any_column_of_the_audit_log_is_found(audited: AuditedLake, edit: str) -> None:
    value = {"at": "'2020-01-01 00:00:00.000000'", "number": "20"}.get(edit, "'{}'")
    _ledger(audited, f"UPDATE audit_log SET {edit} = {value} WHERE number = 2")
    assert audited.verify().breaks[0].where == "audit log entry"


@pytest.mark.parametrize(
    ("tampering", "message"),
    [
        (["DELETE FROM audit_log WHERE number = 2"], "audit log entry number 3"),
        (["DELETE FROM audit_log WHERE number = 1"], "audit log entry number 2"),
        ([ADD], "audit log entry number 5"),
        ([f"UPDATE audit_log SET number = {new} WHERE number = {old}" for old, new in ((2, 20), (3, 2), (20, 3))],
         "audit log entry number 2"),
    ],
    ids=["deleted", "first-deleted", "inserted", "reordered"],
)  # fmt: skip
def test_an_audit_entry_deleted_inserted_or_reordered_is_found(
    audited: AuditedLake, tampering: list[str], message: str
) -> None:
    _ledger(audited, *tampering)
    assert audited.found().startswith(message)


def _ledger(audited: AuditedLake, *statements: str) -> None:
    _sqlite(audited.harness.folder / "ledger.sqlite", *statements)


def _sqlite(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def test_a_chain_rewritten_whole_verifies_and_only_the_anchor_shows_it(audited: AuditedLake) -> None:
    key = audited.installation.anchor()
    assert audited.verify().breaks == []
    with audited.harness.lake.session() as session:
        session.execute(f"UPDATE {CHANGES} SET after = replace(after::VARCHAR, 'Dish 3', 'Forged')")
        session.execute("UPDATE lake.diner.dishes SET name = 'Forged' WHERE name = 'Dish 3'")
        session.execute("UPDATE lake.tea.dishes SET name = 'Forged' WHERE name = 'Dish 3'")
        session.execute(f"DELETE FROM {BATCHES} WHERE number > 0")
    audited.harness.sync([{"id": 77, "name": "Anything"}], hour=30, mode="incremental")
    findings = audited.verify()
    assert [each.where for each in findings.breaks] == [f"anchor {audited.installation.anchors.url}/{key}"]
    assert "cut" in findings.breaks[0].what


def test_a_chain_rewritten_to_the_same_length_is_found_by_the_anchor(audited: AuditedLake) -> None:
    audited.installation.anchor()
    with audited.harness.lake.session() as session:
        chain, previous = batches(session), "0" * 64
        for batch in chain:
            fields = [previous, "run forged", batch.number]
            session.execute(f"UPDATE {BATCHES} SET previous = ?, run_id = ? WHERE number = ?", fields)
            (now,) = (each for each in batches(session) if each.number == batch.number)
            previous = now.own_link()
            session.execute(f"UPDATE {BATCHES} SET link = ? WHERE number = ?", [previous, batch.number])
    (chain_break,) = audited.verify().breaks
    assert "entry 5 of the chain of batches has another link than then" in chain_break.what


def test_an_audit_log_rewritten_whole_or_cut_is_found_by_the_anchor(audited: AuditedLake) -> None:
    audited.installation.anchor()
    entries, previous = list(audited.installation.audit_log.entries()), "0" * 64
    for entry in entries:
        own = replace(entry, actor="mallory", previous=previous).own_link()
        _ledger(
            audited,
            f"UPDATE {audit_log} SET actor = 'mallory', previous = '{previous}', link = '{own}' "
            f"WHERE number = {entry.number}",
        )
        previous = own
    (chain_break,) = audited.verify().breaks
    assert "entry 4 of the chain of audit_log has another link than then" in chain_break.what
    _ledger(audited, f"DELETE FROM {audit_log} WHERE number = 4")
    (chain_break,) = audited.verify().breaks
    assert "had 4 entries then, and has 3 now: it was cut" in chain_break.what


def test_a_flipped_bit_in_a_file_of_the_lake_is_found_wherever_it_is(audited: AuditedLake) -> None:
    """Also in a file that no current row needs, and in a column that has no history."""
    proof = audited.harness.file_proof()
    proof.record_new()
    assert (audited.verify().breaks, audited.verify().files_unrecorded) == ([], 0)
    for table in ("diner/dishes", "sync/runs"):
        path = min((audited.harness.folder / "lake" / "data" / table).rglob("*.parquet"))
        body = bytearray(path.read_bytes())
        body[len(body) // 3] ^= 4
        path.write_bytes(body)
        first_break = audited.verify().breaks[0]
        assert (first_break.where, first_break.platform, first_break.dataset) == ("file", *table.split("/"))
        assert path.name in first_break.what
        body[len(body) // 3] ^= 4
        path.write_bytes(body)
    assert audited.verify().breaks == []


def test_a_list_of_files_that_was_cut_is_found_by_the_anchor(audited: AuditedLake) -> None:
    audited.harness.file_proof().record_new()
    audited.installation.anchor()
    assert audited.verify().breaks == []
    _sqlite(audited.harness.folder / "ledger.sqlite", "DELETE FROM file_lists")
    assert "the chain of files had 1 entries then, and has 0 now: it was cut" in audited.found()
