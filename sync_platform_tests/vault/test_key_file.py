"""A key file: created once, unreadable for others, never incomplete."""

from __future__ import annotations

import os
import signal
import stat
from pathlib import Path

import pytest

from sync_platform.errors import StorageError
from sync_platform.vault.key_file import from_key_file, is_private
from sync_platform_tests.processes import outputs_of
from sync_platform_tests.warm import started


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    return tmp_path / "vault" / "master.key"


def test_a_key_file_is_created_unreadable_for_others(key_file: Path) -> None:
    key = from_key_file(key_file)
    assert len(key.material) == 64
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(key_file.parent.stat().st_mode) == 0o700
    assert [file.name for file in key_file.parent.iterdir()] == ["master.key"]


def test_a_key_file_is_read_the_second_time(key_file: Path) -> None:
    assert from_key_file(key_file) == from_key_file(key_file)


def _die_before_the_link(key_file: Path, _: int) -> None:
    os.link = lambda *_: os.kill(os.getpid(), signal.SIGKILL)  # type: ignore[assignment]
    from_key_file(key_file)


def test_no_copy_of_a_key_stays_after_a_kill(key_file: Path) -> None:
    kept = from_key_file(key_file)
    others = [key_file.parent / ".master.key.swp", key_file.parent / ".master.key.copy"]
    for each in others:
        each.write_text("of a person")
    key_file.rename(key_file.parent / "kept")
    (process,) = started(1, _die_before_the_link, (key_file,))
    assert process.wait().returncode == -signal.SIGKILL
    assert len(list(key_file.parent.glob(".master.key.*"))) == 3
    (key_file.parent / "kept").rename(key_file)
    assert from_key_file(key_file) == kept
    assert sorted(key_file.parent.iterdir()) == sorted([key_file, *others])


def test_two_installations_have_two_keys(tmp_path: Path) -> None:
    assert from_key_file(tmp_path / "one") != from_key_file(tmp_path / "other")


def test_eight_concurrent_processes_create_one_key(key_file: Path) -> None:
    imports = "from pathlib import Path\nfrom sync_platform.vault.key_file import from_key_file"
    printed = outputs_of(8, imports, "print(from_key_file(Path(sys.argv[1])).text)", str(key_file))
    assert set(printed) == {key_file.read_text().strip()}
    assert [file.name for file in key_file.parent.iterdir()] == ["master.key"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666, 0o610])
def test_a_key_file_open_to_others_is_refused_with_the_remedy(key_file: Path, mode: int) -> None:
    from_key_file(key_file)
    key_file.chmod(mode)
    with pytest.raises(StorageError, match=f"can be read by others: run `chmod 600 {key_file}`"):
        from_key_file(key_file)


@pytest.mark.parametrize(
    ("owner", "group", "mode", "user", "expected"),
    [
        (0, 10001, 0o440, 10001, True),
        (0, 10001, 0o444, 10001, False),
        (0, 10001, 0o460, 10001, False),
        (0, 100, 0o440, 10001, False),
        (10001, 10001, 0o440, 10001, False),
        (10001, 10001, 0o600, 10001, True),
        (0, 0, 0o440, 0, False),
    ],
    ids=["as a secret of Kubernetes", "for others", "written by the group", "another group", "own", "private", "root"],
)
def test_a_key_file_of_root_may_be_readable_for_the_own_group_only(
    owner: int, group: int, mode: int, user: int, expected: bool
) -> None:
    found = os.stat_result((mode, 0, 0, 1, owner, group, 0, 0, 0, 0))
    assert is_private(found, user, 10001 if user else 0) is expected


@pytest.mark.parametrize("damage", [b"", b"ab" * 31, b"ab" * 63, b"zz" * 32, b"\xff\xfe", "鑰匙".encode()])
def test_a_damaged_key_file_is_refused_without_quoting_it(key_file: Path, damage: bytes) -> None:
    from_key_file(key_file)
    key_file.write_bytes(damage)
    with pytest.raises(StorageError, match="does not hold a master key, .*: restore it from its copy") as raised:
        from_key_file(key_file)
    assert "abab" not in str(raised.value)


def test_a_key_file_that_cannot_be_created_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match="cannot use the master key file"):
        from_key_file(tmp_path / "file" / "master.key")
