"""An anchor proves the length of both chains, and cannot be forged, changed or overwritten."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import orjson
import pytest

from sync_platform.errors import StorageError
from sync_platform.lake.chain import Batch
from sync_platform.lineage import anchors
from sync_platform.lineage.anchors import ChainHead, check_anchors, read_anchor, read_anchors, write_anchor
from sync_platform.lineage.findings import Findings
from sync_platform.lineage.restored_lake import NEW_LAKE, restored_lakes
from sync_platform.storage.audit_log import AuditLog
from sync_platform.storage.bucket_store import BucketStore
from sync_platform.storage.folder_store import FolderStore
from sync_platform.storage.hash_chain import ChainEntry
from sync_platform.storage.object_store import ObjectStore
from sync_platform.storage.operation_name import OperationName
from sync_platform.vault.master_key import MasterKey
from sync_platform.vault.signature import Signer
from sync_platform_tests.services import S3Server

SIGNER = Signer(MasterKey(bytes(32)), "lineage-anchor")
FILES = ChainHead(2, "f" * 64)
_prefixes = (f"anchors-{number}" for number in itertools.count(1))


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    if request.param == "folder":
        return FolderStore(tmp_path / "backup_store")
    server: S3Server = request.getfixturevalue("s3_server")
    return BucketStore(server.client(), server.bucket, next(_prefixes))


def test_an_anchor_is_read_as_it_was_written(store: ObjectStore) -> None:
    write_anchor(store, SIGNER, ChainHead(3, "a" * 64), ChainHead(7, "b" * 64), FILES)
    write_anchor(store, SIGNER, ChainHead(4, "c" * 64), ChainHead(0, "0" * 64), FILES)
    anchors = read_anchors(store, SIGNER.public_key)
    assert [anchor.problem for anchor in anchors] == [None, None]
    assert [anchor.head("batches") for anchor in anchors] == [ChainHead(3, "a" * 64), ChainHead(4, "c" * 64)]
    assert anchors[0].head("audit_log") == ChainHead(7, "b" * 64)
    assert anchors[0].head("files") == FILES


def test_no_existing_object_is_overwritten(store: ObjectStore) -> None:
    store.put_new("anchors/one.json", b"first")
    with pytest.raises(StorageError, match=r"anchors/one\.json"):
        store.put_new("anchors/one.json", b"second")
    assert store.get("anchors/one.json") == b"first"
    assert list(store.keys()) == ["anchors/one.json"]


def test_without_the_vaults_key_an_anchor_is_read_with_the_key_in_it(store: ObjectStore) -> None:
    key = write_anchor(store, SIGNER, ChainHead(3, "a" * 64), ChainHead(7, "b" * 64), FILES)
    (anchor,) = read_anchors(store, None)
    assert (anchor.problem, anchor.head("batches")) == (None, ChainHead(3, "a" * 64))
    changed = store.get(key).replace(b'"number": 3', b'"number": 4')
    assert read_anchor("changed", changed, None).problem == "it was changed after it was signed"


def test_no_anchor_is_made_beside_one_of_another_master_key(store: ObjectStore) -> None:
    write_anchor(store, SIGNER, ChainHead(3, "a" * 64), ChainHead(7, "b" * 64), FILES)
    other = Signer(MasterKey(bytes([1] * 32)), "lineage-anchor")
    with pytest.raises(StorageError, match="is signed under another master key"):
        write_anchor(store, other, ChainHead(4, "c" * 64), ChainHead(7, "b" * 64), FILES)
    assert len(list(store.keys())) == 1


def _checked(store: ObjectStore, batches: list[Batch], log: AuditLog) -> Findings:
    findings, entries = Findings(), list(log.entries())
    chains: dict[str, Sequence[ChainEntry]] = {"batches": batches, "audit_log": entries, "files": []}
    check_anchors(read_anchors(store, SIGNER.public_key), chains, findings, restored_lakes(entries))
    return findings


def test_an_anchor_from_before_a_restore_into_a_new_lake_is_not_taken_for_a_cut_chain(tmp_path: Path) -> None:
    store, log = FolderStore(tmp_path / "backup_store"), AuditLog(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    write_anchor(store, SIGNER, ChainHead(3, "a" * 64), ChainHead(7, "b" * 64), FILES)
    restore = {"backup": "full", "batch": 2, "target": "production"}
    log.record(OperationName.restore, restore, actor="ada", via="cli")
    assert len(_checked(store, [], log).breaks) == 3  # batches, audit log, files: this restore made no lake here
    log.record(OperationName.restore, {**restore, NEW_LAKE: True}, actor="ada", via="cli")
    findings = _checked(store, [], log)
    assert findings.breaks == []
    assert len(findings.anchors_before_restore) == 1
    write_anchor(store, SIGNER, ChainHead(3, "a" * 64), ChainHead(7, "b" * 64), ChainHead.of([]))
    assert [each.what.split(" had")[0] for each in _checked(store, [], log).breaks] == [
        "the chain of batches",
        "the chain of audit_log",
    ]


def test_a_batch_that_a_restore_kept_must_still_be_what_was_anchored(tmp_path: Path) -> None:
    store, log = FolderStore(tmp_path / "backup_store"), AuditLog(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    write_anchor(store, SIGNER, ChainHead(2, "a" * 64), ChainHead(7, "b" * 64), FILES)
    log.record(OperationName.restore, {"batch": 2, NEW_LAKE: True}, actor="ada", via="cli")
    assert "was cut" in _checked(store, [], log).breaks[0].what


def _problem(change: dict[str, object]) -> str | None:
    signed = {
        "format": anchors.FORMAT,
        "anchored_at": "2026-11-24T00:00:00+00:00",
        "batches": {"number": 3, "link": "a" * 64},
        "audit_log": {"number": 3, "link": "a" * 64},
        "public_key": SIGNER.public_key,
    }
    message = orjson.dumps(signed, option=orjson.OPT_SORT_KEYS)
    body = {**signed, "signature": SIGNER.sign(message)} | change
    return read_anchor("it", orjson.dumps(body), SIGNER.public_key).problem


@pytest.mark.parametrize(
    "change",
    [
        {"batches": {"number": 3, "link": "b" * 64}},
        {"audit_log": {"number": 2, "link": "a" * 64}},
        {"anchored_at": "2020-11-24T00:00:00+00:00"},
        {"signature": "bm9uZQ=="},
        {"signature": "not base64"},
        {"remark": "added"},
    ],
)
def test_an_anchor_that_was_changed_is_found(change: dict[str, object]) -> None:
    assert _problem({}) is None
    assert _problem(change) == "it was changed after it was signed"


def test_an_anchor_under_another_key_and_an_invalid_one_are_found() -> None:
    other = Signer(MasterKey(bytes([1] * 32)), "lineage-anchor")
    assert _problem({"public_key": other.public_key}) == "it is signed under another key than the vault's"
    assert _problem({"format": "x"}) == "it is of another format: 'x'"
    for body in (b"", b"[]", b"{}", b'{"signature": 1}'):
        assert read_anchor("it", body, SIGNER.public_key).problem == "it is no anchor"
