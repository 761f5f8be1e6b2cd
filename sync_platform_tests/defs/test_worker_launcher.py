"""When the worker of a run counts as gone, or the run as lost, and what the launcher makes of that."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.instance.ref import InstanceRef
from dagster._core.launcher import LaunchRunContext, WorkerStatus
from dagster._core.test_utils import create_run_for_test
from kombu import pools
from redis import Redis

from sync_platform.defs import run_heartbeats
from sync_platform.defs.run_heartbeats import GONE_AFTER_S, PREFIX, Absences, RunHeartbeats
from sync_platform.defs.run_queue import QUEUE, RunQueue
from sync_platform.defs.worker_launcher import WORKER_TAG, WorkerRunLauncher, worker_tag
from sync_platform.server.dagster_ui.lost_runs import end_lost_runs
from sync_platform_tests.certificates import write_certificate
from sync_platform_tests.redis_servers import redis_server_with_tls
from sync_platform_tests.server.running_server import free_port

LAUNCHER = {"run_launcher": {"module": "sync_platform.defs.worker_launcher", "class": "WorkerRunLauncher"}}
STARTING, STARTED = dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED


@pytest.mark.parametrize(
    ("looks", "is_gone"),
    [
        ([(0, True), (5, True)], False),
        ([(0, False)], False),
        ([(0, False), (GONE_AFTER_S - 1, False)], False),
        ([(0, False), (5, False), (GONE_AFTER_S, False)], True),
        ([(0, False), (5, True), (GONE_AFTER_S, False)], False),
        ([(0, False), (5, None), (GONE_AFTER_S, False)], False),
        ([(0, None), (60, None)], False),
        ([(0, False), (60, False)], False),
    ],
    ids=["beats", "once", "too short", "gone", "came back", "Redis was away between", "Redis is away", "nobody looked"],
)
def test_a_worker_is_gone_if_its_heartbeat_is_missing_at_every_look_for_long_enough(
    looks: list[tuple[float, bool | None]], is_gone: bool
) -> None:
    absences = Absences()
    absences.is_gone("of another worker", False, 0)
    assert [absences.is_gone("a run", has_heartbeat, at) for at, has_heartbeat in looks][-1] is is_gone


class HeartbeatsOfNobody(RunHeartbeats):
    def is_gone(self, run_id: str) -> bool:
        return True


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    """An instance whose Redis does not answer."""
    with instance_at(tmp_path, f"redis://127.0.0.1:{free_port()}/0", monkeypatch) as instance:
        yield instance


@contextmanager
def instance_at(folder: Path, broker: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    monkeypatch.setenv("RUN_BROKER", broker)
    with dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(folder), overrides=LAUNCHER)) as instance:
        yield instance


def launcher_of(instance: dg.DagsterInstance) -> WorkerRunLauncher:
    assert isinstance(instance.run_launcher, WorkerRunLauncher)
    return instance.run_launcher


def taken(instance: dg.DagsterInstance, status: dg.DagsterRunStatus) -> dg.DagsterRun:
    """A run that a worker took."""
    run_id = create_run_for_test(instance, status=status).run_id
    instance.add_run_tags(run_id, {WORKER_TAG: worker_tag(run_id)})
    run = instance.get_run_by_id(run_id)
    assert run
    return run


def test_nothing_is_gone_while_redis_does_not_answer_and_no_run_is_launched(instance: dg.DagsterInstance) -> None:
    launcher = launcher_of(instance)
    assert launcher.check_run_worker_health(taken(instance, STARTED)).status is WorkerStatus.RUNNING
    with pytest.raises(Exception, match="Redis \\(RUN_BROKER\\) does not answer") as raised:
        run = create_run_for_test(instance, job_code_origin=dg.reconstructable(_sync).get_python_origin())
        launcher.launch_run(LaunchRunContext(run, workspace=None))
    assert type(raised.value).__name__ == "DagsterUserCodeUnreachableError"  # the queue tries again


def test_a_run_that_has_begun_fails_if_its_worker_is_gone(instance: dg.DagsterInstance) -> None:
    launcher = launcher_of(instance)
    launcher.heartbeats = HeartbeatsOfNobody(launcher.broker)
    health = launcher.check_run_worker_health(taken(instance, STARTED))
    assert (health.status, "its worker is gone" in str(health.msg)) == (WorkerStatus.FAILED, True)
    of_command_line = create_run_for_test(instance, status=STARTED)
    assert launcher.check_run_worker_health(of_command_line).status is WorkerStatus.RUNNING


def test_a_run_whose_worker_died_before_it_began_fails_and_one_that_waits_does_not(
    redis_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_heartbeats, "GONE_AFTER_S", 0)
    with instance_at(tmp_path, redis_server, monkeypatch) as instance, Redis.from_url(redis_server) as redis:
        first, second = launched(instance), launched(instance)
        states = partial(states_after_a_look, instance, [first, second])
        assert states() == [STARTING, STARTING]
        assert redis.rpop(QUEUE) and redis.lpop(QUEUE)  # a worker takes each
        heartbeats = RunHeartbeats(redis_server)
        with heartbeats.sent(second, "a host"):
            with heartbeats.sent(first, "a host"):
                assert states() == [STARTING, STARTING]
            assert states() == [dg.DagsterRunStatus.FAILURE, STARTING]
        assert states() == [dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.FAILURE]


def test_no_run_is_lost_while_redis_does_not_answer(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_heartbeats, "GONE_AFTER_S", 0)
    run = create_run_for_test(instance, status=STARTING)
    assert states_after_a_look(instance, [run.run_id]) == [STARTING]


def test_a_run_that_ends_during_the_look_is_not_lost(instance: dg.DagsterInstance) -> None:
    class SlowAnswer:
        """It calls each run lost, and each ends meanwhile."""

        def is_lost(self, run: dg.DagsterRun) -> bool:
            instance.report_run_canceled(run)
            return True

    run = create_run_for_test(instance, status=STARTING)
    end_lost_runs(instance, SlowAnswer())
    ended = instance.get_run_by_id(run.run_id)
    assert ended is not None and ended.status is dg.DagsterRunStatus.CANCELED


def test_runs_are_handed_out_over_tls_and_only_by_a_redis_whose_certificate_is_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("of-redis", "of-another"):
        write_certificate(tmp_path / name)
    of_redis, of_another = (tmp_path / name / "certificate.pem" for name in ("of-redis", "of-another"))
    with redis_server_with_tls(tmp_path / "of-redis", of_redis) as trusting:
        with instance_at(tmp_path, trusting, monkeypatch) as instance:
            run_id = launched(instance)
            with Redis.from_url(trusting) as redis, RunHeartbeats(trusting).sent(run_id, "a"):
                assert RunQueue(redis).has(run_id)
                assert redis.exists(f"{PREFIX}{run_id}")
        address = trusting.partition("?")[0]
        for untrusted in (f"{address}?ssl_ca_certs={of_another}", address):
            pools.reset()  # kombu would use a connection to the same host again, whatever its certificates
            refused = pytest.raises(Exception, match="Redis \\(RUN_BROKER\\) does not answer.*certificate")
            with instance_at(tmp_path, untrusted, monkeypatch) as instance, refused:
                launched(instance)


def launched(instance: dg.DagsterInstance) -> str:
    """The id of a run that the launcher has handed to Redis."""
    run = create_run_for_test(instance, status=STARTING, job_code_origin=dg.reconstructable(_sync).get_python_origin())
    launcher_of(instance).launch_run(LaunchRunContext(run, workspace=None))
    return run.run_id


def states_after_a_look(instance: dg.DagsterInstance, run_ids: list[str]) -> list[dg.DagsterRunStatus]:
    end_lost_runs(instance, launcher_of(instance))
    return [run.status for run_id in run_ids if (run := instance.get_run_by_id(run_id))]


def test_a_run_that_no_worker_has_is_cancelled_at_once_and_one_of_a_worker_by_its_worker(
    instance: dg.DagsterInstance,
) -> None:
    queued, begun, of_command_line = (
        create_run_for_test(instance, status=STARTING),
        taken(instance, STARTED),
        create_run_for_test(instance, status=STARTED),
    )
    ended = [launcher_of(instance).terminate(run.run_id) for run in (queued, begun, of_command_line)]
    assert ended == [True, True, False]
    states = [run.status if (run := instance.get_run_by_id(each.run_id)) else None for each in (queued, begun)]
    assert states == [dg.DagsterRunStatus.CANCELED, dg.DagsterRunStatus.CANCELING]


@dg.job
def _sync() -> None: ...
