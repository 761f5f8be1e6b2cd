"""A fleet: workers on hosts of their own, and on one more host PostgreSQL, S3, Redis, Dagster's daemon and code server.

The instance of Dagster is that of infrastructure/fleet, and each process is a command of the program. Redis answers
only over TLS, with a certificate of an authority of the tests for the address of its host.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.execution.backfill import PartitionBackfill
from dagster._core.instance.ref import InstanceRef
from dagster._core.storage.tags import BACKFILL_ID_TAG

from sync_platform.definitions import build
from sync_platform.defs.automation import asset_keys
from sync_platform.defs.progress import NoProgress
from sync_platform.defs.worker_launcher import WORKER_TAG, is_taken
from sync_platform.settings import load_settings
from sync_platform.sources.declaration import Platform
from sync_platform_tests.certificates import certificate_authority
from sync_platform_tests.fleet.hosts import Host, hosts
from sync_platform_tests.installations import fleet_settings
from sync_platform_tests.redis_servers import redis_server_with_tls
from sync_platform_tests.services import PostgresServer, postgres_server_at, s3_server_at
from sync_platform_tests.tree import ROOT

SERVICES = "services"
TODAY = "2026-11-24"
CODE_SERVER = "127.0.0.1:4266"
REDIS_PORT = 6379
LONGEST_S = 1_200.0
"""For what no number of periods makes longer."""
NO_AUTOMATION = "auto_materialize:\n  enabled: false\n  use_sensors: false\n"
"""Only what the tests start may take processor time."""
UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


@dataclass
class RunningFleet:
    """The hosts by name, the settings of all of them, and what the tests ask of Dagster."""

    folder: Path
    hosts: dict[str, Host]
    environment: dict[str, str]
    lost_cpu_s: dict[str, float] = field(default_factory=dict)
    redis: ExitStack = field(default_factory=ExitStack)

    @property
    def workers(self) -> list[Host]:
        return [host for name, host in self.hosts.items() if name != SERVICES]

    def variables(self, host: Host) -> dict[str, str]:
        home = self.folder / host.name
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        return {**kept, **self.environment, "SYNC_HOME": str(home), "DAGSTER_HOME": str(home / "dagster")}

    def start(self, host: Host, *arguments: str) -> subprocess.Popen[str]:
        """Start a command of the program on a host; its output is in a file of its home."""
        home = self.folder / host.name
        if not home.exists():
            (home / "dagster").mkdir(parents=True)
            text = (ROOT / "infrastructure" / "fleet" / "dagster.yaml").read_text()
            (home / "dagster" / "dagster.yaml").write_text(text + NO_AUTOMATION)
        log = home / f"{'-'.join(arguments).strip('-')}.log"
        command = [sys.executable, "-m", "sync_platform", *arguments]
        return host.start(command, log, cwd=home, env=self.variables(host))

    def log(self, host: Host) -> str:
        return "\n".join(file.read_text() for file in (self.folder / host.name).glob("*.log"))

    def lose(self, host: Host) -> None:
        """Cut the host off, then kill its processes, so that none of them can report its end."""
        host.cut_off()
        self.lost_cpu_s[host.name] = host.cpu_s()
        host.kill()

    def cpu_s(self) -> dict[str, float]:
        """The processor time of each host until now, or until it was lost."""
        return {name: self.lost_cpu_s.get(name) or host.cpu_s() for name, host in self.hosts.items()}

    def start_redis(self) -> None:
        """Start Redis, with what it had; `redis.close()` stops it."""
        place, folder = self.hosts[SERVICES].place, self.folder / "redis"
        self.redis.enter_context(redis_server_with_tls(folder, _authority_in(self.folder), place, REDIS_PORT))

    def instance(self) -> dg.DagsterInstance:
        return dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(self.folder / SERVICES / "dagster")))


@contextmanager
def running_fleet(folder: Path, workers: int, first_month: str) -> Iterator[RunningFleet]:
    """The servers of a fleet, and hosts for so many workers. Only the servers run. Months begin with `first_month`."""
    with ExitStack() as stack:
        made = stack.enter_context(hosts(SERVICES, *(f"worker-{number}" for number in range(1, workers + 1))))
        place = made[SERVICES].place
        postgres = stack.enter_context(postgres_server_at(place))
        s3 = stack.enter_context(s3_server_at(place))
        settings = {**fleet_settings(postgres, s3), **_common(folder, place.address, postgres)}
        fleet = RunningFleet(folder, made, {**settings, "FIRST_MONTH": first_month})
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        for name, value in {**fleet.environment, "SYNC_HOME": str(folder / "tests")}.items():
            patch.setenv(name, value)
        certificate_authority(_authority_in(folder).parent).sign_into(folder / "redis", place.address)
        fleet.start_redis()
        stack.callback(fleet.redis.close)
        yield fleet


def _authority_in(folder: Path) -> Path:
    """The certificate of the authority that all hosts trust."""
    return folder / "authority" / "authority.pem"


def _common(folder: Path, address: str, postgres: PostgresServer) -> dict[str, str]:
    dagster = postgres.url(postgres.create_database()).replace("postgresql:", "postgresql+psycopg2:")
    return {
        "DAGSTER_POSTGRES_URL": dagster,
        "RUN_BROKER": f"rediss://{address}:{REDIS_PORT}/0?ssl_ca_certs={_authority_in(folder)}",
        "CODE_SERVER": CODE_SERVER,
        "VAULT_KEY_FILE": str(folder / "master.key"),
        "PYTHONPATH": str(ROOT),
        "SANDBOX_PLACES": "40",
        "SANDBOX_TODAY": TODAY,
        "PLATFORMS_IN_USE": "eatigo",  # no schedule may begin a sync of another one
        "LOG_FORMAT": "json",
        "HTTP_ATTEMPTS": "3",
    }


def add_backfill(
    instance: dg.DagsterInstance, platform: Platform, partitions: Sequence[str], name: str = "backfill"
) -> str:
    """Ask Dagster's daemon for a backfill of a platform, as its UI does; its id."""
    graph = build(load_settings(), NoProgress()).resolve_asset_graph()
    backfill = PartitionBackfill.from_asset_partitions(
        backfill_id=f"{name}-of-{platform.name}",
        asset_graph=graph,
        partition_names=list(partitions),
        asset_selection=asset_keys(platform),
        backfill_timestamp=time.time(),
        tags={},
        dynamic_partitions_store=instance,
        all_partitions=False,
        title=None,
        description=None,
        run_config=None,
    )
    instance.add_backfill(backfill)
    return backfill.backfill_id


def runs_of(instance: dg.DagsterInstance, backfill_ids: list[str]) -> list[dg.DagsterRun]:
    """The runs of backfills. Schedules begin others."""
    return list(instance.get_runs(dg.RunsFilter(tags={BACKFILL_ID_TAG: backfill_ids})))


def unfinished(instance: dg.DagsterInstance) -> list[dg.DagsterRun]:
    return list(instance.get_runs(dg.RunsFilter(statuses=UNFINISHED)))


def begun_on(instance: dg.DagsterInstance, host: Host) -> list[dg.DagsterRun]:
    """The runs of backfills that a worker of the host has begun and that are under way."""
    started = instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]))
    return [run for run in started if BACKFILL_ID_TAG in run.tags and worker_of(run) == host.name]


def worker_of(run: dg.DagsterRun) -> str:
    """The name of the host whose worker took the run; empty if none did."""
    return run.tags[WORKER_TAG].partition("/")[0] if is_taken(run) else ""


def wait_for(
    is_so: Callable[[], object], fleet: RunningFleet, within_s: float = LONGEST_S, every_s: float = 0.5
) -> float:
    """Wait until it is so; the seconds that it took. Fails with the logs of all hosts."""
    began = time.monotonic()
    while not is_so():
        if time.monotonic() - began > within_s:
            logs = "\n".join(f"--- {host.name}\n{fleet.log(host)[-3000:]}" for host in fleet.hosts.values())
            pytest.fail(f"the expected state was not reached in {within_s:.0f} s:\n{logs}")
        time.sleep(every_s)
    return time.monotonic() - began
