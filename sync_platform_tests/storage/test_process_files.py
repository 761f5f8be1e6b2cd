"""Temporary files of a process: those of a killed process are removed by the next one, those of a living one stay."""

from __future__ import annotations

import os
import signal
import stat
import tempfile
from pathlib import Path

import pytest

from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import Lake
from sync_platform.storage.process_files import ProcessFolder, draft_of, process_folder, remove_left_drafts_below
from sync_platform_tests.warm import started


def _make_and_die(parent: Path, _: int) -> None:
    (ProcessFolder(parent, "ours-").path / "spilled").write_bytes(b"x")
    with draft_of(parent / "file"):
        os.kill(os.getpid(), signal.SIGKILL)


def _read_and_die(address: LakeAddress, _: int) -> None:
    with Lake(address).session():
        os.kill(os.getpid(), signal.SIGKILL)


def test_what_a_killed_process_left_is_removed_and_what_a_living_one_has_stays(tmp_path: Path) -> None:
    living, other = ProcessFolder(tmp_path, "ours-"), tmp_path / "of-others"
    other.mkdir()
    (process,) = started(1, _make_and_die, (tmp_path,))
    assert process.wait().returncode == -signal.SIGKILL
    assert len(list(tmp_path.iterdir())) == 4
    following = ProcessFolder(tmp_path, "ours-")
    with draft_of(tmp_path / "file") as (draft, _):
        remove_left_drafts_below(tmp_path)
        assert set(tmp_path.iterdir()) == {living.path, following.path, other, draft}
    living.remove()
    following.remove()
    assert list(tmp_path.iterdir()) == [other]


def test_the_folder_in_which_a_killed_process_spilled_is_removed(tmp_path: Path) -> None:
    address = LakeAddress(f"sqlite:{tmp_path / 'catalog.sqlite'}", f"{tmp_path / 'data'}/", tmp_path / "temp")
    (process,) = started(1, _read_and_die, (address,))
    assert process.wait().returncode == -signal.SIGKILL
    (left,) = address.temp.iterdir()
    with Lake(address) as lake, lake.session():
        assert left not in address.temp.iterdir()
    assert list(address.temp.iterdir()) == []


def _serve_and_die(system_temp: str, _: int) -> None:
    tempfile.tempdir = system_temp
    with process_folder("serve-") as folder:
        (folder / "code.sock").write_bytes(b"")
        os.kill(os.getpid(), signal.SIGKILL)


def test_the_folder_of_a_killed_server_is_removed_by_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (process,) = started(1, _serve_and_die, (str(tmp_path),))
    assert process.wait().returncode == -signal.SIGKILL
    assert len(list(tmp_path.iterdir())) == 1
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with process_folder("serve-") as folder:
        assert list(tmp_path.iterdir()) == [folder]
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert list(tmp_path.iterdir()) == []
