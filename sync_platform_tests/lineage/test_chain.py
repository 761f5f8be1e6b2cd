"""Every commit with changes is one link of one chain, and an auditor can compute every link by hand."""

from __future__ import annotations

import hashlib
import itertools
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from sync_platform.lake import chain
from sync_platform.lake.history import DIGEST
from sync_platform.lake.maintenance import maintain
from sync_platform.storage.lake_address import LakeAddress
from sync_platform_tests.lake.harness import HISTORY, LakeHarness, begin_log, diner
from sync_platform_tests.lineage.conftest import MENU, VISITORS, AuditedLake, open_audited


def test_every_commit_with_changes_is_a_batch_with_its_counts(any_audited: AuditedLake) -> None:
    listed = any_audited.harness.ask(
        "SELECT number, platform, sync_id, inserted, updated, removed, restored FROM lineage.batches ORDER BY number"
    )
    assert listed == [
        (1, "diner", "sync-00001", 8, 0, 0, 0),
        (2, "diner", "sync-00002", 0, 1, 1, 0),
        (3, "tea", "sync-00100", 3, 0, 0, 0),
        (4, "diner", "sync-00004", 0, 0, 0, 1),
        (5, "diner", "sync-00005", 0, 1, 1, 1),
    ]
    findings = any_audited.verify(landing=True)
    assert findings.breaks == []
    assert (findings.batches, findings.changes, findings.tables) == (5, 17, 2)
    assert findings.landed_objects


def test_the_chain_can_be_computed_by_hand(audited: AuditedLake) -> None:
    """As docs/lineage.md says, without the platform's code."""
    rows = _history(audited.harness)
    batches = audited.harness.ask("FROM lineage.batches ORDER BY number")
    assert len(batches) == 5
    previous = "0" * 64
    for batch in batches:
        rows_of_batch = [row for row in rows if row[:2] == batch[2:4] and batch[7] <= row[14] <= batch[8]]
        assert batch[13] == _digest(rows_of_batch)
        assert set(json.loads(batch[14])) == {_manifest_of(row) for row in rows_of_batch if row[8]}
        for key, digest in json.loads(batch[14]).items():
            assert hashlib.sha256(audited.harness.store.get(key)).hexdigest() == digest
        fields = ["sync-platform/lineage/1", previous, *batch[:15]]
        text = b"".join(b"-" if value is None else _netstring(value) for value in fields)
        assert batch[15:] == (previous, hashlib.sha256(text).hexdigest())
        previous = batch[16]


def test_personal_values_are_hashed_as_sealed_and_never_in_clear(audited: AuditedLake) -> None:
    """So an auditor needs no key, and the erasure of a person breaks no digest."""
    name = "Chan Tai Man"
    harness = LakeHarness(audited.harness.folder, diner("visitors", dataset=VISITORS), itertools.count(300))
    harness.sync([{"id": 1, "name": name}], hour=0)
    (row,) = (row for row in _history(harness) if row[0] == "visitors")
    sealed = json.loads(row[6])["name"]
    assert name not in row[6]
    assert harness.vault.unseal("visitors", "name", sealed) == name
    in_clear = (*row[:6], row[6].replace(sealed, name), *row[7:])
    ((digest,),) = harness.ask("SELECT digest FROM lineage.batches WHERE platform = 'visitors'")
    assert digest == _digest([row]) != _digest([in_clear])
    harness.lake.close()


def _history(harness: LakeHarness) -> list[tuple[Any, ...]]:
    return harness.ask(f"SELECT * REPLACE (to_json(changed_fields)::VARCHAR AS changed_fields) FROM {HISTORY}")


def _digest(rows: list[tuple[Any, ...]]) -> str:
    digests = sorted(hashlib.sha256(_row_text(row)).hexdigest() for row in rows)
    return hashlib.sha256("".join(digests).encode()).hexdigest()


def _manifest_of(row: tuple[Any, ...]) -> str:
    return f"{row[8].rpartition('/')[0]}/manifest.json"


def _row_text(row: tuple[Any, ...]) -> bytes:
    texts = [None if value is None else _plain(value).encode() for value in row]
    lengths = "".join("-," if text is None else f"{len(text)}," for text in texts)
    return lengths.encode() + b"".join(text or b"" for text in texts)


def _netstring(value: object) -> bytes:
    text = _plain(value).encode()
    return str(len(text)).encode() + b":" + text + b","


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        since = value - datetime(1970, 1, 1, tzinfo=UTC)
        return str((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds)
    return str(value)


def test_no_two_different_rows_have_one_text(audited: AuditedLake) -> None:
    """A value in another column, or an empty text instead of NULL, gives another text."""
    with audited.harness.lake.session() as session:
        session.execute(f"CREATE TEMP TABLE rows AS FROM lake.{HISTORY} LIMIT 0")
        for name, value in (("entity_id", "'ab'"), ("entity_id", "'a'"), ("content_hash", "''"), ("run_id", "'ab'")):
            session.execute(f"INSERT INTO rows ({name}) VALUES ({value})")
        session.execute(
            "INSERT INTO rows (entity_id, operation) VALUES ('a', 'b'), ('', 'ab'), ('ab', ''), ('1,', 'b')"
        )
        session.execute("INSERT INTO rows (changed_fields) VALUES (['a', 'b']), (['a,b']), (['a\", \"b']), ([])")
        count = session.execute("SELECT count(*) FROM rows").fetchall()[0][0]
        assert len(session.execute(f"SELECT DISTINCT {DIGEST} FROM rows").fetchall()) == count == 12


def test_a_sync_without_changes_writes_no_batch(tmp_path: Path) -> None:
    harness = LakeHarness(tmp_path)
    harness.sync(MENU, hour=0)
    harness.sync(MENU, hour=1)
    assert harness.ask("SELECT count(*) FROM lineage.batches") == [(1,)]


def test_compaction_moves_rows_and_breaks_nothing(any_audited: AuditedLake) -> None:
    report = maintain(any_audited.harness.lake, 30, datetime.now(UTC), "run")
    assert report.after["lineage.batches"].count == 1
    assert any_audited.verify().breaks == []


def test_a_history_without_batches_is_hashed_in_opening_batches(audited: AuditedLake) -> None:
    harness = audited.harness
    harness.ask("DROP TABLE lineage.batches")
    assert "lineage.batches is not there" in audited.found()
    harness.sync([{**MENU[0], "name": "Renamed"}, *MENU[1:]], hour=21)
    assert harness.ask("SELECT number, kind, platform, inserted FROM lineage.batches ORDER BY ALL") == [
        (1, "opening", "diner", 8),
        (2, "opening", "tea", 3),
    ]
    assert audited.verify().breaks == []
    harness.sync(MENU[1:], hour=22)
    assert harness.ask("SELECT kind, number FROM lineage.batches WHERE sync_id IS NOT NULL") == [("changes", 3)]
    assert audited.verify().breaks == []


def test_the_chain_begins_with_the_existing_changes_and_then_the_commit_that_begins_it(audited: AuditedLake) -> None:
    harness = audited.harness
    harness.ask("DROP TABLE lineage.batches")
    harness.sync(MENU[1:], hour=22)
    kinds = harness.ask("SELECT kind, platform, removed FROM lineage.batches ORDER BY number")
    assert kinds == [("opening", "diner", 2), ("opening", "tea", 0), ("changes", "diner", 1)]
    assert audited.verify().breaks == []


def test_two_writers_that_overlap_on_postgres_cannot_fork_the_chain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """If the lock fails, the second writer repeats its transaction, and its link follows that of the first."""
    from contextlib import nullcontext

    from sync_platform_tests.installations import installed

    with installed("fleet", request):
        begin_log(tmp_path)
        harness = LakeHarness(tmp_path)
        harness.sync(MENU, hour=0)
        other = LakeHarness(tmp_path, diner("tea"), itertools.count(50))
        monkeypatch.setattr(LakeAddress, "write_lock", lambda self: nullcontext())
        append, attempts = chain.append_batch, []

        def append_while_another_commits(session: duckdb.DuckDBPyConnection, *arguments: Any) -> None:
            batch = append(session, *arguments)
            attempts.append(batch.number)
            if len(attempts) == 1:
                other.sync(MENU[:2], hour=1)

        monkeypatch.setattr(chain, "append_batch", append_while_another_commits)
        harness.sync(MENU[1:], hour=2)
        assert attempts == [2, 2, 3]
        numbers = harness.ask("SELECT number, platform FROM lineage.batches ORDER BY number")
        assert numbers == [(1, "diner"), (2, "tea"), (3, "diner")]
        assert open_audited(harness).verify().breaks == []
