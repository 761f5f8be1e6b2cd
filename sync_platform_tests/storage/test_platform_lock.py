"""The platform lock has one holder at a time, with lock files and with PostgreSQL; it ends with its process."""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sync_platform.errors import StorageError
from sync_platform.storage.advisory_lock import AdvisoryLock
from sync_platform.storage.lock_holder import Holder
from sync_platform.storage.platform_lock import FOLDER, holder_of, platform_lock, platform_lock_if_free
from sync_platform_tests.processes import ROOT
from sync_platform_tests.services import PostgresServer

HOLDING = """
import sys
from sync_platform.storage.platform_lock import platform_lock
with platform_lock(sys.argv[1], "chope", "run-of-another", print):
    print("held", flush=True)
    sys.stdin.readline()
"""


def _refuse(holder: Holder | None) -> None:
    raise AssertionError(f"it waits for {holder}")


@pytest.fixture
def another(database_url: str) -> subprocess.Popen[str]:
    """A process that holds chope's lock until a line is sent to it."""
    command = [sys.executable, "-c", HOLDING, database_url]
    process = subprocess.Popen(command, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


@pytest.mark.parametrize("how_it_ends", ["by itself", "killed"])
def test_the_second_waits_knows_the_holder_and_continues_when_the_first_ends(
    database_url: str, another: subprocess.Popen[str], how_it_ends: str
) -> None:
    waits: list[Holder | None] = []

    def wait(holder: Holder | None) -> None:
        waits.append(holder)
        if len(waits) == 2:
            another.kill() if how_it_ends == "killed" else another.communicate("go on\n")

    with platform_lock(database_url, "chope", "run-of-ours", wait, poll_s=0.02):
        another.wait()
    assert len(waits) >= 2
    first = waits[0]
    assert first is not None
    assert first.run_id == "run-of-another"
    assert abs((datetime.now(UTC) - first.since).total_seconds()) < 3600


def test_a_lock_that_is_not_waited_for_is_refused_until_its_holder_is_dead(
    database_url: str, another: subprocess.Popen[str]
) -> None:
    with platform_lock_if_free(database_url, "chope", "run-of-ours") as is_ours:
        assert not is_ours
    another.kill()
    another.wait()
    with platform_lock(database_url, "chope", "run-of-ours", lambda _: None, poll_s=0.02):
        pass  # a killed client's session ends a moment later
    with (
        platform_lock_if_free(database_url, "chope", "run-of-ours") as is_ours,
        platform_lock_if_free(database_url, "chope", "run-of-a-third") as is_theirs,
    ):
        assert (bool(is_ours), bool(is_theirs)) == (True, False)


def test_a_killed_process_is_no_holder(database_url: str, another: subprocess.Popen[str]) -> None:
    assert holder_of(database_url, "chope") is not None
    another.kill()
    another.wait()
    limit = time.monotonic() + 20
    while holder_of(database_url, "chope") is not None:  # a killed client's session ends a moment later
        assert time.monotonic() < limit
        time.sleep(0.02)


def test_the_lock_of_another_platform_is_free(database_url: str, another: subprocess.Popen[str]) -> None:
    with platform_lock(database_url, "eatigo", "run", _refuse):
        another.kill()
        another.wait()


def test_a_lock_is_free_again_as_soon_as_its_holder_released_it(database_url: str) -> None:
    for number in range(2):
        with pytest.raises(RuntimeError, match="sync"), platform_lock(database_url, "chope", f"run-{number}", _refuse):
            raise RuntimeError("sync failed")


def test_the_holder_is_known_while_it_holds_the_lock_and_only_then(database_url: str) -> None:
    assert holder_of(database_url, "chope") is None
    with platform_lock(database_url, "chope", "run-of-ours", _refuse):
        holder = holder_of(database_url, "chope")
    assert holder is not None
    assert holder.run_id == "run-of-ours"
    assert holder_of(database_url, "chope") is None


def test_a_released_advisory_lock_is_free_at_once_for_a_session_that_waits(postgres_server: PostgresServer) -> None:
    """The server ends the session of a closed connection later; until then another session finds its locks held."""
    address = postgres_server.url(postgres_server.create_database())
    for _ in range(20):
        ours, theirs = AdvisoryLock(address, "chope"), AdvisoryLock(address, "chope")
        assert ours.try_acquire("ours")
        assert not theirs.try_acquire("theirs")
        ours.release()
        assert theirs.try_acquire("theirs")
        theirs.release()


def test_a_label_that_is_not_written_yet_names_no_holder() -> None:
    holder = Holder("0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f", datetime(2026, 11, 24, 20, 7, 31, tzinfo=UTC))
    assert Holder.parse(holder.label) == holder
    assert len(holder.label) <= 63
    assert (Holder.parse(""), Holder.parse("psql")) == (None, None)


def test_a_folder_that_cannot_be_written_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / FOLDER).write_text("in the way")
    ledger = f"sqlite:///{tmp_path}/ledger.sqlite"
    with pytest.raises(StorageError, match=FOLDER), platform_lock(ledger, "chope", "run", _refuse):
        pass


def test_an_unreachable_server_is_a_storage_error_without_the_password() -> None:
    with (
        pytest.raises(StorageError, match="the lock 'turn/chope' cannot be used") as raised,
        platform_lock("postgresql://user:hush@127.0.0.1:1/ledger", "chope", "run", _refuse),
    ):
        pass
    assert "hush" not in str(raised.value)
