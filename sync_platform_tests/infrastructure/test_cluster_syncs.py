"""Syncs of a platform as pods: one whose pod is killed, and one that an upgrade overtakes. Neither loses a row.

As test_cluster_runs.py, with the program itself: its definitions, and PostgreSQL for all that it stores but pages and
files of the lake.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import psycopg
import pytest

from sync_platform.defs.automation import RUN_TAGS, asset_keys, job_name, run_config
from sync_platform.defs.dead_runs import pod_of
from sync_platform.defs.landing import Mode
from sync_platform.platforms import load_platforms
from sync_platform.sources.period import parse_period
from sync_platform.storage.platform_lock import platform_lock
from sync_platform.storage.write_lock import holding_advisory
from sync_platform_tests.cli.conftest import Shell
from sync_platform_tests.cli.next_program import OVERTAKEN, next_program
from sync_platform_tests.infrastructure.chart import NAME
from sync_platform_tests.infrastructure.cluster.control_plane import running_control_plane, wait_for
from sync_platform_tests.infrastructure.cluster.earlier_chart import earlier_manifest
from sync_platform_tests.infrastructure.cluster.nodes import Nodes
from sync_platform_tests.infrastructure.cluster.run_queue import RunQueue, records_in, run_queue
from sync_platform_tests.services import PostgresServer
from sync_platform_tests.tree import ROOT

pytestmark = pytest.mark.full

PLATFORM = load_platforms()["data_gov_hk"]
TODAY = "2026-11-24"
PERIOD = parse_period(PLATFORM.cadence, "2026-11-23")
COUNT = "SELECT count(*) AS rows, count(*) FILTER (removed_at IS NULL) AS live FROM data_gov_hk.licences"
SUCCESS, FAILURE = dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE


@dataclass
class Installation:
    """The chart in a cluster, the daemon, and an operator's shell over the same databases."""

    nodes: Nodes
    queue: RunQueue
    shell: Shell
    catalog: str

    def submit(self) -> str:
        tags = {**RUN_TAGS, "platform": PLATFORM.name, "dagster/partition": PERIOD.key}
        config = run_config(PLATFORM, Mode.full)
        return self.queue.submit(job_name(PLATFORM, Mode.full), asset_keys(PLATFORM), config, tags)

    def wait_until(self, is_so: Callable[[], object], run_id: str) -> None:
        def after_a_round() -> object:
            self.queue.round()
            return is_so()

        pods = lambda: [pod["metadata"]["name"] for pod in self.nodes.pods_of(run_id)]  # noqa: E731
        wait_for(after_a_round, lambda: self.queue.log(run_id) + "".join(map(self.nodes.log, pods())))

    def waits_for_its_commit(self) -> bool:
        waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        with psycopg.connect(self.catalog) as connection:
            return bool(connection.execute(waiting).fetchall()[0][0])

    def retry_of(self, run_id: str) -> str:
        """The id of the run that repeats a run that has failed, once it has ended well."""
        self.wait_until(lambda: self.queue.state(run_id) is FAILURE, run_id)
        self.wait_until(lambda: self.queue.retry_of(run_id), run_id)
        retry = self.queue.retry_of(run_id)
        self.wait_until(lambda: self.queue.state(retry) is SUCCESS, retry)
        return retry


@pytest.fixture(scope="module")
def installation_in_cluster(
    tmp_path_factory: pytest.TempPathFactory, postgres_server: PostgresServer
) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("syncs")
    catalog = postgres_server.conninfo(postgres_server.create_database())
    settings = {
        "LAKE_CATALOG": f"postgres:{catalog}",
        "LEDGER": postgres_server.url(postgres_server.create_database()),
        "VAULT": postgres_server.url(postgres_server.create_database()),
        "LAKE_DATA": str(folder / "lake"),
        "LANDING": (folder / "landing").as_uri(),
        "VAULT_KEY_FILE": str(folder / "master.key"),
        "SANDBOX_PLACES": "60",
        "SANDBOX_TODAY": TODAY,
        "PYTHONPATH": str(ROOT),
    }
    with ExitStack() as stack:
        plane = stack.enter_context(running_control_plane(tmp_path_factory.mktemp("cluster")))
        for each in earlier_manifest():
            plane.api().create(each)
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        for name, value in {**settings, "SYNC_HOME": str(folder / "tests")}.items():
            patch.setenv(name, value)
        settings |= stack.enter_context(records_in(postgres_server))
        daemon = plane.kubeconfig_of(plane.api().token_of("sync-platform-daemon", NAME), folder)
        queue = stack.enter_context(run_queue(folder / "daemon", daemon, "sync_platform.definitions"))
        of_pods = {"SYNC_HOME": str(folder / "{pod}"), "DAGSTER_HOME": str(folder / "daemon")}
        of_pods["KUBERNETES_SERVICE_HOST"] = "10.96.0.1"
        nodes = Nodes(plane.api(), NAME, folder, ["node-1", "node-2"], settings | of_pods)
        stack.enter_context(nodes.running())
        shell = Shell(folder / "operator", {name: value for name, value in settings.items() if name != "PYTHONPATH"})
        yield Installation(nodes, queue, shell, catalog)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, object]]:
    """How many rows one sync makes on a laptop."""
    shell = Shell(tmp_path_factory.mktemp("laptop") / "home", {"SANDBOX_TODAY": TODAY})
    code, document = shell.sync(PLATFORM.name, "--partition", PERIOD.key)
    assert code == 0, document
    return shell.query(COUNT)


def test_a_sync_whose_pod_is_killed_before_its_commit_is_repeated_and_stores_every_row(
    installation_in_cluster: Installation, undisturbed: list[dict[str, object]]
) -> None:
    here = installation_in_cluster
    first = here.submit()
    with holding_advisory(here.catalog):
        here.wait_until(here.waits_for_its_commit, first)
        (pod,) = here.nodes.pods_of(first)
        run = here.queue.instance.get_run_by_id(first)
        assert run is not None and pod_of(run) == pod["metadata"]["name"]
        here.nodes.kill(pod["metadata"]["name"])
    here.retry_of(first)
    assert here.shell.query(COUNT) == undisturbed
    assert here.shell.run("lineage", "verify").returncode == 0


def test_a_sync_that_an_upgrade_overtakes_is_repeated_by_the_next_version(
    installation_in_cluster: Installation, undisturbed: list[dict[str, object]], tmp_path: Path
) -> None:
    here = installation_in_cluster
    following = next_program(tmp_path / "next", has_new_format=True)
    with platform_lock(here.shell.environment["LEDGER"], PLATFORM.name, "of-the-test", lambda holder: None):
        first = here.submit()
        here.wait_until(lambda: "waiting for another sync" in here.queue.log(first), first)
        here.shell.environment["PYTHONPATH"] = str(following)
        here.nodes.environment["PYTHONPATH"] = str(following)  # the image of the runs that begin from now on
        assert next_result(here, "migrate")[0] == 0
    here.retry_of(first)
    assert OVERTAKEN in here.queue.log(first)
    for command in (("lineage", "verify"), ("migrate", "--check")):
        assert next_result(here, *command)[0] == 0
    assert json.loads(next_result(here, "query", COUNT, "--format", "json")[1]) == undisturbed


def next_result(here: Installation, *arguments: str) -> tuple[int, str]:
    process = here.shell.start_interpreter(*arguments)
    output, errors = process.communicate()
    return process.returncode, output or errors
