"""Whatever is deleted, changed, cut, exchanged or added in a repository is found and named."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sync_platform.errors import StorageError
from sync_platform_tests.backup.backed_up_lake import MENU, BackedUpLake, backed_up_in


@pytest.fixture(scope="module")
def backed_up(tmp_path_factory: pytest.TempPathFactory) -> BackedUpLake:
    """A full backup and an incremental one, verified."""
    lake = backed_up_in(tmp_path_factory.mktemp("backed_up"))
    lake.make("full")
    lake.harness.sync(MENU, hour=30)
    lake.make()
    assert lake.verify().found == []
    return lake


@pytest.fixture
def store(backed_up: BackedUpLake, tmp_path: Path) -> Iterator[Path]:
    """The folder of the repository, which is put back after the test."""
    folder = backed_up.harness.folder / "backup_store"
    shutil.copytree(folder, tmp_path / "copy")
    yield folder
    shutil.rmtree(folder)
    shutil.copytree(tmp_path / "copy", folder)


def _flip(path: Path) -> None:
    body = bytearray(path.read_bytes())
    body[len(body) // 2] ^= 1
    path.write_bytes(body)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "deleted": lambda path: path.unlink(),
    "flipped": _flip,
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "extended": lambda path: path.write_bytes(path.read_bytes() + b"\x00"),
    "emptied": lambda path: path.write_bytes(b""),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_every_damaged_object_and_manifest_is_named(backed_up: BackedUpLake, store: Path, damage: str) -> None:
    names = [*backed_up.repository.sizes(), *backed_up.store.keys("manifests/")]
    assert len(names) > 10
    for name in names:
        whole = (store / name).read_bytes()
        DAMAGES[damage](store / name)
        findings = backed_up.found()
        assert name.removeprefix("manifests/").removesuffix(".json") in findings
        (store / name).parent.mkdir(exist_ok=True)
        (store / name).write_bytes(whole)
    assert backed_up.verify().holds


def test_every_object_that_is_exchanged_with_another_is_named(backed_up: BackedUpLake, store: Path) -> None:
    for folder in ("objects/", "manifests/"):
        names = list(backed_up.store.keys(folder))
        for name, other in zip(names, [*names[1:], names[0]], strict=True):
            content, other_content = (store / name).read_bytes(), (store / other).read_bytes()
            (store / name).write_bytes(other_content)
            (store / other).write_bytes(content)
            findings = backed_up.found()
            for each in (name, other):
                assert each.removeprefix("manifests/").removesuffix(".json") in findings
            (store / name).write_bytes(content)
            (store / other).write_bytes(other_content)


def test_every_copy_of_an_object_under_another_name_is_named(backed_up: BackedUpLake, store: Path) -> None:
    for name in [*backed_up.repository.sizes(), *backed_up.store.keys("manifests/")]:
        copy = f"{name.rpartition('/')[0]}/{'0' * 64}{name[name.index('.') :]}"
        shutil.copy(store / name, store / copy)
        assert copy.removeprefix("manifests/").removesuffix(".json") in backed_up.found()
        (store / copy).unlink()


def test_a_whole_backup_that_is_gone_is_named(backed_up: BackedUpLake, store: Path) -> None:
    for manifest in backed_up.repository.manifests():
        path = store / "manifests" / f"{manifest.id}.json"
        whole = path.read_bytes()
        path.unlink()
        assert f"backup {manifest.id}: it is gone" in backed_up.found()
        path.write_bytes(whole)


def test_any_flipped_bit_of_the_key_file_is_refused(backed_up: BackedUpLake, store: Path) -> None:
    from sync_platform.backup.repository_key import open_repository_key

    whole = (store / "repository.json").read_bytes()
    for at in range(len(whole)):
        changed = bytearray(whole)
        changed[at] ^= 1
        (store / "repository.json").write_bytes(changed)
        with pytest.raises(StorageError):
            open_repository_key(backed_up.store, backed_up.harness.vault.backups)


def test_an_object_of_an_interrupted_backup_is_no_finding(backed_up: BackedUpLake, store: Path, tmp_path: Path) -> None:
    name = backed_up.repository.key.object_name(_sha256(b"left"), ".zst.sealed")
    backed_up.repository.put_blocks([b"left"], name, tmp_path)
    findings = backed_up.verify()
    assert (findings.holds, findings.left) == (True, 1)


def test_an_incremental_backup_replaces_a_damaged_object_and_heals_the_older_backups(
    backed_up: BackedUpLake, store: Path
) -> None:
    name = next(backed_up.repository.manifests()[0].with_role("data")).name
    (store / name).write_bytes(b"cut")
    made = backed_up.make()
    assert made.manifest.copied == sorted({*made.manifest.copied, name})
    missing = [each for each in backed_up.verify().found if "gone" not in each.what]
    assert missing == []


def _sha256(body: bytes) -> str:
    import hashlib

    return hashlib.sha256(body).hexdigest()
