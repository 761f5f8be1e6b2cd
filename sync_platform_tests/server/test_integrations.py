"""The examples of docs/integrations.md are valid, and open to the role that their headings name."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path
from typing import Any

import httpx
import pytest
from dagster_graphql.schema import create_schema
from graphql import FieldNode, OperationDefinitionNode, parse, validate
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from sync_platform.permissions.actor import Actor
from sync_platform.permissions.role import Role
from sync_platform.server.access_table import is_open_to, load_access_table
from sync_platform_tests.cli.conftest import Shell, wait_until
from sync_platform_tests.server.test_several_servers import unused_port

PAGE = (Path(__file__).parents[2] / "docs" / "integrations.md").read_text()
EXAMPLES = {
    (title, number): (Role(role), query)
    for title, role, section in re.findall(r"^## ([^\n]+) \((\w+)\)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    for number, query in enumerate(re.findall(r"```graphql\n(.*?)```", section, re.DOTALL))
}
SCHEMA = create_schema().graphql_schema
TABLE = load_access_table()


def test_there_are_examples() -> None:
    assert len(EXAMPLES) == 5


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_is_valid_and_open_to_its_role(example: tuple[str, int]) -> None:
    role, query = EXAMPLES[example]
    document = parse(query)
    assert validate(SCHEMA, document) == []
    (operation,) = document.definitions
    assert isinstance(operation, OperationDefinitionNode)
    listed = {"query": TABLE.queries, "mutation": TABLE.mutations, "subscription": TABLE.subscriptions}
    for field in operation.selection_set.selections:
        assert isinstance(field, FieldNode)
        needs = listed[operation.operation.value][field.name.value]
        assert is_open_to(needs, Actor("x", frozenset({role})))


@pytest.mark.full
def test_every_example_runs_with_a_token_of_its_role_and_the_launched_run_succeeds(tmp_path: Path) -> None:
    shell, port = Shell(tmp_path / "home", {"SYNC_ACTOR": "ada"}), unused_port()
    process = shell.start("serve", "--port", str(port))
    try:
        wait_until(lambda: "login?code=" in process.errors, process)
        tokens = {role: _token(shell, role) for role in {role for role, _ in EXAMPLES.values()}}
        address = f"http://127.0.0.1:{port}/dagster/graphql"
        run_id, answers = "", {}
        for example, (role, query) in EXAMPLES.items():
            if query.startswith("subscription"):
                received = _received(address, tokens[role], query, {"runId": run_id})
                assert "RunStartEvent" in received or "RunEnqueuedEvent" in received
                continue
            body = {"query": query, "variables": {"runId": run_id}}
            headers = {"Authorization": f"Bearer {tokens[role]}"}

            def asked(body: dict[str, Any] = body, headers: dict[str, str] = headers) -> dict[str, Any]:
                return dict(httpx.post(address, json=body, headers=headers, timeout=60).json()["data"])

            answers[example] = asked()
            if "launchRun" in answers[example]:
                run_id = answers[example]["launchRun"]["run"]["runId"]
            elif "runOrError" in answers[example]:
                wait_until(lambda asked=asked: asked()["runOrError"]["status"] == "SUCCESS", process)  # type: ignore[misc]
                tags = asked()["runOrError"]["tags"]
                assert {"key": "user", "value": "token:operator"} in tags
        checks = answers[("Read checks", 0)]["assetNodeOrError"]["assetChecksOrError"]["checks"]
        assert any(each["executionForLatestMaterialization"] for each in checks)
        nodes = answers[("Read the lineage of datasets", 0)]["assetNodes"]
        assert any(each["dependencyKeys"] and each["assetMaterializations"] for each in nodes)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def _token(shell: Shell, role: Role) -> str:
    return shell.run("token", "create", role.value, "--role", role.value).stdout.strip()


def _received(address: str, token: str, query: str, variables: dict[str, str]) -> str:
    """The first message of a subscription."""
    headers = {"Authorization": f"Bearer {token}"}
    with connect(
        address.replace("http", "ws", 1), subprotocols=[Subprotocol("graphql-ws")], additional_headers=headers
    ) as websocket:
        payload = {"query": query, "variables": variables}
        websocket.send(json.dumps({"type": "start", "id": "1", "payload": payload}))
        return str(websocket.recv(timeout=60))
