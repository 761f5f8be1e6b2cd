"""One daemon for a deployment, and none for a second deployment over the same ledger or the same lake."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import psycopg
import pytest

from sync_platform.errors import AnotherDeployment, LockLost
from sync_platform.server.dagster_ui.daemon_election import DAEMON, DaemonLabel, elected
from sync_platform.settings import Settings, load_settings
from sync_platform.storage import recorded_lock
from sync_platform.storage.advisory_lock import AdvisoryLock
from sync_platform.storage.lock_holder import Holder
from sync_platform.storage.platform_lock import lake_lock, platform_lock
from sync_platform_tests.processes import outputs_of
from sync_platform_tests.services import PostgresServer

IMPORTS = """
from sync_platform.server.dagster_ui.daemon_election import DaemonLabel, elected
from sync_platform.settings import load_settings
from pathlib import Path
"""
IN_TURN = """
others = Path(sys.argv[1]) / "elected"
with elected(load_settings(sync_home=sys.argv[1]), DaemonLabel.of_this_process("one instance")):
    others.mkdir()
    others.rmdir()
    print("elected")
"""
"""The folder cannot be made twice: a second daemon at the same time would fail."""


def settings_in(folder: Path, **more: str) -> Settings:
    return load_settings(sync_home=folder, **more)


def test_daemons_of_one_deployment_wait_for_each_other(tmp_path: Path) -> None:
    assert outputs_of(3, IMPORTS, IN_TURN, str(tmp_path)) == ["elected"] * 3


@pytest.mark.parametrize("shared", ["ledger", "lake"])
def test_the_daemon_of_a_second_deployment_is_refused(shared: str, tmp_path: Path) -> None:
    """Its Dagster home is another one; with `lake`, its ledger is another one too."""
    first = settings_in(tmp_path / "first")
    second = settings_in(tmp_path / "second", lake_catalog=first.catalog_url)
    if shared == "ledger":
        second = settings_in(tmp_path / "second", ledger=first.ledger_url)
    running, refused = DaemonLabel.of_this_process("instance 1"), DaemonLabel.of_this_process("instance 2")
    with elected(first, running) as locks:
        locks.require()
        message = f"two deployments use .*{shared}.*{running.place} serves another"
        with pytest.raises(AnotherDeployment, match=message), elected(second, refused):
            raise AssertionError("two daemons run")
    with elected(second, refused) as locks:
        locks.require()


@pytest.mark.parametrize("lost", ["ledger", "lake"])
def test_a_daemon_that_has_lost_a_lock_to_another_one_ends(
    lost: str, tmp_path: Path, postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorded_lock, "DOUBTED_S", 0.0)
    databases = {name: postgres_server.create_database() for name in ("ledger", "lake")}
    catalog = f"postgres:{postgres_server.conninfo(databases['lake'])}"
    settings = settings_in(tmp_path, ledger=postgres_server.url(databases["ledger"]), lake_catalog=catalog)
    waits: list[Holder | None] = []
    with elected(settings, DaemonLabel.of_this_process("an instance")) as locks, monkeypatch.context() as cut_off:
        cut_off.setattr(AdvisoryLock, "is_held", lambda _: True)  # so that no thread takes the lock again
        with psycopg.connect(postgres_server.conninfo(), autocommit=True) as connection:
            ended = "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE datname = %s"
            connection.execute(ended, [databases[lost]])
        other = (
            platform_lock(settings.ledger_url, DAEMON, "another", waits.append)
            if lost == "ledger"
            else lake_lock(settings.catalog_url, DAEMON, "another", waits.append)
        )
        with other:
            cut_off.undo()
            with pytest.raises(LockLost, match="run another has it since"):
                locks.require()


def test_the_label_of_a_daemon_fits_into_a_label_of_postgresql(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "sync-platform-daemon-7b9c5d8f6-x2x4q.cluster.example.org")
    monkeypatch.setattr("os.getpid", lambda: 4_194_304)
    label = DaemonLabel.of_this_process("an instance")
    with_time = f"{label.text} 2026-11-29T10:00:00"
    assert len(with_time) <= 63
    assert Holder.parse(with_time) is not None
    assert (label.place, len(label.instance)) == ("sync-platform-daemon-4194304"[:20] + "-4194304", 8)


def test_the_daemon_of_an_earlier_version_is_waited_for(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Its label has no instance."""
    settings, is_elected_now = settings_in(tmp_path), threading.Event()

    def run() -> None:
        with elected(settings, DaemonLabel.of_this_process("an instance")):
            is_elected_now.set()

    waiting = threading.Thread(target=run)
    with platform_lock(settings.ledger_url, DAEMON, "server-a-17", _fail):
        waiting.start()
        while "runs at server-a-17: the one of this server waits" not in caplog.text:
            assert waiting.is_alive()
            time.sleep(0.05)
        assert not is_elected_now.is_set()
    waiting.join()
    assert is_elected_now.is_set()


def _fail(holder: Holder | None) -> None:
    raise AssertionError(f"{holder} has the lock")
