"""No secret of any setting is in anything that the server gives, writes or stores, in any role.

The settings are those of marked_settings.py, the databases real ones. One platform syncs, another one fails. With
`--full`, every role asks, and every query of Dagster's GraphQL selects as much as a request may.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from dagster import DagsterInstance
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster_graphql.schema import create_schema

from sync_platform.cli.runner.daemon import progress_of, waiting_runs
from sync_platform.cli.runner.instance import opened_instance
from sync_platform.errors import SettingsError, StorageError
from sync_platform.permissions.role import Role
from sync_platform.sandbox.city import City
from sync_platform.sandbox.server import create_app
from sync_platform.server.access_table import NOBODY, load_access_table
from sync_platform.server.application import ServerParts, application
from sync_platform.server.dagster_ui.workspace import LOCATION, DagsterWorkspace
from sync_platform.settings import Settings, load_settings
from sync_platform.storage.ledger import MIGRATIONS
from sync_platform.storage.relational import open_database
from sync_platform_tests.cli.conftest import TODAY, Shell
from sync_platform_tests.extent import only_in_full
from sync_platform_tests.folder_copies import copy_to_read
from sync_platform_tests.planted.byte_scan import ByteScan
from sync_platform_tests.planted.marked_persons import served
from sync_platform_tests.server.conftest import WEBSOCKET, TestedServer, in_process
from sync_platform_tests.server.graphql_dump import GraphqlDump
from sync_platform_tests.server.marked_settings import NOWHERE, key_files, mark_of, marked_settings, plain_addresses
from sync_platform_tests.services import PostgresServer

API = "/api/production-sync"
MOST_TOKENS = 9_000
TELLING = ("allTopLevelResourceDetailsOrError", "logsForRun")
"""The fields of the root that show the most of settings and errors."""


@dataclass(frozen=True)
class MarkedServer:
    """A server of an installation whose settings are marked; `output`: what its commands wrote."""

    served: TestedServer
    home: Path
    marks: list[str]
    output: str

    @property
    def instance(self) -> DagsterInstance:
        return self.served.instance

    @property
    def failed_run(self) -> Any:
        return next(run for run in self.instance.get_runs() if run.is_failure)

    @cached_property
    def scan(self) -> ByteScan:
        return ByteScan(self.marks)

    def hits(self, name: str, content: bytes) -> list[Any]:
        return list(self.scan.in_bytes(name, content))


@pytest.fixture(scope="module")
def marked(tmp_path_factory: pytest.TempPathFactory, postgres_server: PostgresServer) -> Iterator[MarkedServer]:
    home = tmp_path_factory.mktemp("marked") / "home"
    settings = marked_settings(postgres_server)
    marks = [mark_of(name) for name in settings]
    with served(create_app(City(12, 852, date.fromisoformat(TODAY)))) as url:
        for name, path in (("CHOPE_BASE_URL", "chope"), ("CHOPE_ARCHIVE_URL", "chope_archive")):
            settings[name] = settings[name].replace(NOWHERE, f"{url.removeprefix('http://')}/{path}")
        others = {"OIDC_ISSUER": f"http://{NOWHERE}", "OIDC_CLIENT_ID": "sync", "HTTP_ATTEMPTS": "1"}
        shell = Shell(home, {**settings, **others, "LOG_FORMAT": "json", "LOG_LEVEL": "DEBUG"})
        done = [shell.run("sync", "chope", "openrice"), shell.run("watch", "--once")]
        done += [shell.run_in_process(command) for command in ("platforms", "health", "status")]
    output = "\n".join(each.stdout + each.stderr for each in done)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in shell.variables().items():
            patch.setenv(name, value)
        loaded = load_settings()
        ledger = open_database(loaded.ledger_url, MIGRATIONS)
        location = LoadableTargetOrigin(executable_path=sys.executable, module_name=LOCATION, attribute=None)
        with opened_instance(loaded) as instance, WorkspaceProcessContext(instance, in_process(location)) as process:
            parts = ServerParts(
                loaded,
                ledger,
                DagsterWorkspace(process).app,
                lambda: waiting_runs(loaded),
                lambda run_ids: progress_of(loaded, run_ids),
                list,
            )
            server = TestedServer(loaded, ledger, application(parts), [], instance)
            yield MarkedServer(server, home, [*marks, *key_files(home)], output)
        ledger.dispose()


def test_no_secret_is_in_what_the_commands_wrote_and_stored(marked: MarkedServer) -> None:
    assert "openrice failed: openrice: connection to" in marked.output
    assert marked.hits("output", marked.output.encode()) == []
    scan = ByteScan(marked.marks)
    with copy_to_read(marked.home) as copy:
        hits = [hit for hit in scan.in_folder(copy) if not hit.where.endswith(".key")]
    assert (hits, scan.unopened) == ([], [])
    assert scan.files > 20
    assert marked.hits("settings", repr(marked.served.settings.ledger_url).encode()), "it would be found"


@pytest.mark.parametrize(
    ("role", "fields"),
    [
        (Role.admin, TELLING),
        *(only_in_full(role, ()) for role in Role),
    ],
)
def test_no_secret_is_in_any_answer_of_graphql(marked: MarkedServer, role: Role, fields: tuple[str, ...]) -> None:
    """`fields`: those of the root that are asked for; all if there are none."""
    client, run = marked.served.client(role), marked.failed_run
    values = {
        "repositoryName": '"__repository__"',
        "repositoryLocationName": f'"{LOCATION}"',
        "name": f'"{LOCATION}"',
        "runId": f'"{run.run_id}"',
        "pipelineName": f'"{run.job_name}"',
        "jobName": f'"{run.job_name}"',
        "resourceName": '"lake"',
        "sensorName": '"emergency"',
        "path": '["openrice", "restaurants"]',
        "mode": '"default"',
        "partitionNames": '["2026-11"]',
        "limit": "50",
    }
    dump = GraphqlDump(create_schema().graphql_schema, values, MOST_TOKENS)
    answered: dict[str, int] = {}
    for name, answer in dump.answers(
        lambda query: client.post("/dagster/graphql", json={"query": query}).json(), fields
    ):
        text = repr(answer)
        assert marked.hits(name, text.encode()) == []
        answered[name] = max(answered.get(name, 0), len(text))
    if role == Role.admin:
        assert sum(1 for size in answered.values() if size > 1000) >= (2 if fields else 15)
        assert answered["logsForRun"] > 1000
        assert answered["allTopLevelResourceDetailsOrError"] > 10_000


def test_no_secret_is_in_the_events_of_a_run_over_a_websocket(marked: MarkedServer) -> None:
    query = f"""subscription {{ pipelineRunLogs(runId: "{marked.failed_run.run_id}") {{
      ... on PipelineRunLogsSubscriptionSuccess {{ messages {{ __typename ... on MessageEvent {{ message }}
        ... on ExecutionStepFailureEvent {{ error {{ message stack errorChain {{ error {{ message stack }} }} }} }}
    }} }} }} }}"""
    with marked.served.client(Role.admin).websocket_connect(WEBSOCKET, ["graphql-ws"]) as websocket:
        websocket.send_json({"type": "start", "id": "1", "payload": {"query": query}})
        received = websocket.receive_text()
    assert "connection to http" in received
    assert marked.hits("websocket", received.encode()) == []


@pytest.mark.parametrize("role", [Role.admin, *(only_in_full(role) for role in (None, *Role) if role != Role.admin)])
def test_no_secret_is_in_any_other_answer(marked: MarkedServer, role: Role | None) -> None:
    client = marked.served.client(role)
    found = marked.served.client(Role.admin)
    ids = {
        "restaurant_id": found.get(f"{API}/restaurants").json()["data"]["items"][0]["restaurantId"],
        "sync_id": found.get(f"{API}/syncs").json()["data"]["items"][0]["syncId"],
        "alert_id": found.get(f"{API}/alerts").json()["data"]["items"][0]["alertId"],
        "table": "chope.restaurants",
        "run_id:str": marked.failed_run.run_id,
    }
    sizes = {}
    for line, needs in load_access_table().routes.items():
        method, path = line.split(" ", 1)
        if method == "WEBSOCKET" or needs == NOBODY or path.startswith("/dagster/_next"):
            continue
        path = re.sub(r"\{(.+?)\}", lambda name: ids.get(name[1], "none"), path)
        for body in [None] if method == "GET" else [{"wrong": 1}, ["x"]]:
            answer = client.request(method, path, json=body)
            given = answer.content + repr(answer.headers).encode()
            assert marked.hits(f"{line}: {answer.status_code}", given) == []
            sizes[line] = len(answer.content)
    if role == Role.admin:
        assert sizes["GET /"] > 10_000
        assert sizes["GET /metrics"] > 2000
        assert sizes["GET /dagster/download_debug/{run_id:str}"] > 2000


def test_no_secret_is_in_the_answers_errors_and_log_lines_of_a_server_that_lost_its_databases(
    marked: MarkedServer, caplog: pytest.LogCaptureFixture
) -> None:
    known = marked.served.settings
    port = known.ledger_url.rpartition(":")[2].partition("/")[0]
    lost = {name: getattr(known, name).replace(port, "9") for name in ("ledger", "vault", "lake_catalog")}
    with pytest.raises(StorageError, match="cannot open the database") as refused:
        application(_parts(load_settings(**lost), marked))
    assert marked.hits("error", str(refused.value).encode()) == []
    settings = load_settings(**{**lost, "ledger": known.ledger})
    server = TestedServer(settings, marked.served.ledger, application(_parts(settings, marked)), [], marked.instance)
    client = server.client(Role.admin)
    for path in ("/", "/metrics", f"{API}/health", f"{API}/restaurants", f"{API}/changes", f"{API}/bulk"):
        answer = client.get(path)
        assert answer.status_code in (200, 503), path
        assert marked.hits(path, answer.content) == []
    assert client.get(f"{API}/restaurants").status_code == 503
    assert marked.hits("log", caplog.text.encode()) == []


def _parts(settings: Settings, marked: MarkedServer) -> ServerParts:
    return ServerParts(settings, marked.served.ledger, lambda table, log: _nothing, list, lambda run_ids: {}, list)


async def _nothing(scope: Any, receive: Any, send: Any) -> None:
    """Dagster's part of a server that is not asked for it."""


@pytest.mark.parametrize("name", plain_addresses())
def test_an_address_that_is_shown_takes_no_login(name: str) -> None:
    with pytest.raises(SettingsError, match="must not hold a user name or a password") as refused:
        load_settings(**{name: "http://user:Zyqsecret7xk@host.example"})
    assert "Zyqsecret7xk" not in str(refused.value)
    assert Settings.model_fields[name].default == ""
