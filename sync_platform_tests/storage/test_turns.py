"""One at a time, over lock files and over a real PostgreSQL; and nobody waits for the dead."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sync_platform.errors import StorageError
from sync_platform.storage import turns
from sync_platform.storage.turns import Holder, turn, turn_if_free
from sync_platform_tests.processes import ROOT

HOLDING = """
import sys
from sync_platform.storage.turns import turn
with turn(sys.argv[1], "chope", "run-of-another", print):
    print("held", flush=True)
    sys.stdin.readline()
"""


def _refuse(holder: Holder | None) -> None:
    raise AssertionError(f"it waits for {holder}")


@pytest.fixture
def another(database_url: str) -> subprocess.Popen[str]:
    """A process that has chope's turn until a line is sent to it."""
    command = [sys.executable, "-c", HOLDING, database_url]
    process = subprocess.Popen(command, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


@pytest.mark.parametrize("how_it_ends", ["by itself", "killed"])
def test_the_second_waits_knows_for_whom_and_goes_on_when_the_first_ends(
    database_url: str, another: subprocess.Popen[str], how_it_ends: str
) -> None:
    waits: list[Holder | None] = []

    def wait(holder: Holder | None) -> None:
        waits.append(holder)
        if len(waits) == 2:
            another.kill() if how_it_ends == "killed" else another.communicate("go on\n")

    with turn(database_url, "chope", "run-of-ours", wait):
        another.wait()
    assert len(waits) >= 2
    first = waits[0]
    assert first is not None
    assert first.run_id == "run-of-another"
    assert abs((datetime.now(UTC) - first.since).total_seconds()) < 3600


def test_who_will_not_wait_is_told_and_gets_it_when_the_holder_is_dead(
    database_url: str, another: subprocess.Popen[str]
) -> None:
    with turn_if_free(database_url, "chope", "run-of-ours") as is_ours:
        assert not is_ours
    another.kill()
    another.wait()
    with turn(database_url, "chope", "run-of-ours", lambda _: None):
        pass  # a killed client's session ends a moment later
    with (
        turn_if_free(database_url, "chope", "run-of-ours") as is_ours,
        turn_if_free(database_url, "chope", "run-of-a-third") as is_theirs,
    ):
        assert (is_ours, is_theirs) == (True, False)


def test_another_platforms_turn_is_free(database_url: str, another: subprocess.Popen[str]) -> None:
    with turn(database_url, "eatigo", "run", _refuse):
        another.kill()
        another.wait()


def test_a_turn_that_failed_is_free_again(database_url: str) -> None:
    for number in range(2):
        with pytest.raises(RuntimeError, match="sync"), turn(database_url, "chope", f"run-{number}", _refuse):
            raise RuntimeError("sync failed")


def test_a_label_that_is_none_yet_names_nobody() -> None:
    holder = Holder("0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f", datetime(2026, 11, 24, 20, 7, 31, tzinfo=UTC))
    assert Holder.parse(holder.label) == holder
    assert len(holder.label) <= 63
    assert (Holder.parse(""), Holder.parse("psql")) == (None, None)


def test_a_folder_that_cannot_be_written_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "turns").write_text("in the way")
    with pytest.raises(StorageError, match="turns"), turn(f"sqlite:///{tmp_path}/l.sqlite", "chope", "run", _refuse):
        pass


def test_a_server_that_is_not_there_is_a_storage_error_without_the_password() -> None:
    with (
        pytest.raises(StorageError, match="the lock 'turn/chope' cannot be used") as raised,
        turn("postgresql://user:hush@127.0.0.1:1/ledger", "chope", "run", _refuse),
    ):
        pass
    assert "hush" not in str(raised.value)


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "POLL_S", 0.02)
