"""Leases on SQLite and PostgreSQL: one holder at a time; the lease of a crashed holder expires."""

from __future__ import annotations

import subprocess
import sys
import threading
from contextlib import AbstractContextManager, ExitStack
from datetime import UTC, datetime, timedelta

import pytest

from sync_platform.errors import Busy, LockLost, StorageError
from sync_platform.storage.lease import LASTS, STORED_DATA, Lease, Leases
from sync_platform.storage.platform_lock import platform_lock_if_free
from sync_platform_tests.limits import LONGEST_WAIT_S
from sync_platform_tests.processes import outputs_of

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


def _held_soon(leases: Leases, activity: str) -> AbstractContextManager[Lease]:
    """The lease, once PostgreSQL has noticed that the connection of its killed holder is closed."""
    return leases.hold_when_free(activity, STORED_DATA, 30)


def test_a_second_activity_is_refused_with_the_holder_and_the_time(database_url: str) -> None:
    clock = Clock()
    with Leases(database_url, clock).hold("backup"):
        clock.now += timedelta(minutes=3)
        message = (
            r"maintenance cannot start: backup \(process \d+ on \S+\) has the stored data .* "
            "since 2026-11-24 20:00:00 HKT"
        )
        with pytest.raises(Busy, match=message), Leases(database_url, clock).hold("maintenance"):
            pytest.fail("two at once")


def test_an_activity_that_waits_gets_the_lease_when_it_is_released(database_url: str) -> None:
    leases, told = Leases(database_url), []
    with leases.hold("backup"), pytest.raises(Busy), leases.hold_when_free("replication", STORED_DATA, 0.0):
        pytest.fail("two at once")
    held = ExitStack()
    held.enter_context(leases.hold("backup"))

    def release(why: str) -> None:
        told.append(why)
        held.close()

    with leases.hold_when_free("replication", STORED_DATA, LONGEST_WAIT_S, release) as lease:
        lease.require()
    assert len(told) == 1
    assert told[0].startswith("waiting: replication cannot start: backup (process")


def test_a_lease_is_released_when_its_block_ends_even_by_an_error(database_url: str) -> None:
    leases = Leases(database_url)
    with pytest.raises(ValueError, match="halfway"), leases.hold("backup"):
        raise ValueError("halfway")
    with leases.hold("maintenance"):
        pass


def test_leases_with_different_names_are_independent(database_url: str) -> None:
    leases = Leases(database_url)
    with leases.hold("backup"), leases.hold("drill", "drill folder"):
        pass


def test_the_lease_of_a_crashed_holder_is_free_after_its_expiry(database_url: str) -> None:
    clock = Clock()
    leases = Leases(database_url, clock)
    leases.acquire("backup")  # never released, as after a crash
    clock.now += LASTS
    with pytest.raises(Busy), leases.hold("maintenance"):
        pytest.fail("it had not expired")
    clock.now += timedelta(seconds=1)
    with leases.hold("maintenance"):
        pass


def test_the_lease_of_a_killed_process_is_free_at_once(database_url: str) -> None:
    imports = "import os, signal\nfrom sync_platform.storage.lease import Leases"
    program = "with Leases(sys.argv[1]).hold('backup'):\n    print('held', flush=True)\n    sys.stdin.read()"
    command = [sys.executable, "-c", f"import sys\n{imports}\n{program}", database_url]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(Busy), Leases(database_url).hold("maintenance"):
            pytest.fail("its holder lives")
        holder.kill()
        holder.wait()
        with _held_soon(Leases(database_url), "maintenance") as lease:
            lease.require()
            with pytest.raises(Busy, match="maintenance"), Leases(database_url).hold("restore"):
                pytest.fail("two at once")


def test_a_lease_whose_lock_was_lost_to_another_activity_is_noticed_at_once(database_url: str) -> None:
    leases = Leases(database_url)
    with platform_lock_if_free(database_url, f"lease of {STORED_DATA}", "backup") as lock:
        held = leases.acquire("backup", lock=lock)
        held.require()
    with leases.hold("maintenance"), pytest.raises(LockLost, match="another activity has it"):
        held.require()


def test_a_renewed_lease_outlasts_its_first_expiry(database_url: str) -> None:
    clock = Clock()
    leases = Leases(database_url, clock)
    with leases.hold("backup") as lease:
        clock.now += LASTS - timedelta(seconds=1)
        lease.renew()
        clock.now += timedelta(seconds=2)
        lease.require()
        with pytest.raises(Busy), leases.hold("maintenance"):
            pytest.fail("it was renewed")


def test_a_lease_is_renewed_automatically_during_its_block(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    renewed = threading.Event()
    renew = Lease.renew

    def renew_and_tell(self: Lease) -> None:
        renew(self)
        renewed.set()

    monkeypatch.setattr(Lease, "renew", renew_and_tell)
    with Leases(database_url).hold("backup", renewed_every_s=0.01) as lease:
        assert renewed.wait(LONGEST_WAIT_S)
        lease.require()


def test_a_holder_that_slept_past_the_expiry_gets_an_error_and_does_not_release_the_next_lease(
    database_url: str,
) -> None:
    clock = Clock()
    leases = Leases(database_url, clock)
    with leases.hold("backup") as lost:
        clock.now += LASTS + timedelta(seconds=1)
        with leases.hold("maintenance") as next_one:
            lost.renew()
            with pytest.raises(StorageError, match="backup .* lost its hold on the stored data"):
                lost.require()
            lost.release()
            next_one.renew()
            next_one.require()
            with pytest.raises(Busy, match="maintenance .* has the stored data"), leases.hold("restore"):
                pytest.fail("the first one's release took it away")


def test_one_failure_of_the_ledger_does_not_stop_renewal(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    failed, tried_again = threading.Event(), threading.Event()

    def fails_once(self: Lease) -> None:
        if failed.is_set():
            tried_again.set()
            return
        failed.set()
        raise StorageError("the ledger is away")

    monkeypatch.setattr(Lease, "renew", fails_once)
    with Leases(database_url).hold("backup", renewed_every_s=0.01):
        assert tried_again.wait(LONGEST_WAIT_S)


def test_one_of_four_concurrent_processes_gets_the_lease(database_url: str) -> None:
    imports = "import alembic.command\nfrom sync_platform.errors import Busy\n"
    imports += "from sync_platform.storage.lease import Leases"
    program = "try:\n    Leases(sys.argv[1]).acquire('backup')\n    print('got it')\n"
    program += "except Busy:\n    print('refused')"
    assert sorted(outputs_of(4, imports, program, database_url)) == ["got it", "refused", "refused", "refused"]
