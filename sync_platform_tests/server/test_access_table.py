"""The table of who may do what is complete, and is what the server does: as nobody and as each role."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster_webserver
import pytest
from dagster._core.workspace.permissions import Permissions
from dagster_graphql.schema import create_schema
from dagster_webserver.webserver import DagsterWebserver
from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    get_named_type,
    is_leaf_type,
    is_required_argument,
    is_required_input_field,
)
from starlette.routing import Mount
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from sync_platform.api.openapi import openapi_document
from sync_platform.permissions.role import Role
from sync_platform.server.access_table import ANYBODY, NOBODY, load_access_table
from sync_platform.server.dagster_ui.guarded_webserver import PREFIX, lines_of
from sync_platform_tests.extent import is_full, rotated_pairs
from sync_platform_tests.server.conftest import WEBSOCKET, TestedServer
from sync_platform_tests.server.who_may_do_what import LISTED_FILE, is_open, listed_lines

TABLE = load_access_table()
SCHEMA = create_schema().graphql_schema
CALLERS: list[Role | None] = [None, *Role]
NEVER_RUN = {"logTelemetry", "setNuxSeen"}
"""Mutations of Dagster without a permission check of its own."""


def dagster_routes() -> Iterator[str]:
    (mount, _) = DagsterWebserver(None, PREFIX).build_routes()  # type: ignore[arg-type]
    assert isinstance(mount, Mount)
    for route in mount.routes or []:
        yield from lines_of(route, PREFIX)


def test_every_route_of_dagster_is_listed_and_no_other() -> None:
    listed = {line for line in TABLE.routes if f" {PREFIX}/" in line}
    assert listed == set(dagster_routes())


def test_every_route_of_the_api_is_listed_and_no_other() -> None:
    paths = openapi_document()["paths"]
    declared = {f"{method.upper()} {path}" for path, operations in paths.items() for method in operations}
    assert {line for line in TABLE.routes if " /api/" in line} == declared


def test_every_field_of_graphql_and_every_permission_of_dagster_is_listed_and_no_other() -> None:
    assert SCHEMA.query_type and SCHEMA.mutation_type and SCHEMA.subscription_type
    assert set(TABLE.queries) == set(SCHEMA.query_type.fields)
    assert set(TABLE.mutations) == set(SCHEMA.mutation_type.fields)
    assert set(TABLE.subscriptions) == set(SCHEMA.subscription_type.fields)
    assert set(TABLE.permissions) < {str(each) for each in Permissions}
    for name in TABLE.fields:
        of_type, _, field = name.partition(".")
        kind = SCHEMA.type_map[of_type]
        assert isinstance(kind, GraphQLObjectType)
        assert field in kind.fields


def test_what_no_role_may_do_is_closed_also_to_an_admin() -> None:
    assert {name for name, needs in TABLE.mutations.items() if needs == NOBODY} >= {"wipeAssets", *NEVER_RUN}


def path_of(line: str) -> tuple[str, str]:
    """The method and the path of a line, with a made-up value for each parameter."""
    method, path = line.split(" ", 1)
    return method, re.sub(r"\{[^}]+\}", "none", path.replace("{alert_id}", "20261124T083000-1f3a9c"))


@pytest.mark.parametrize("role", CALLERS)
def test_each_route_is_open_to_whom_the_table_says(server: TestedServer, role: Role | None) -> None:
    client = server.client(role)
    for line, needs in TABLE.routes.items():
        method, path = path_of(line)
        if method == "WEBSOCKET" or needs == ANYBODY:
            continue
        answer = client.request(method, path)
        refused = 401 if role is None else 403
        assert (answer.status_code == refused) == (not is_open(needs, role)), f"{line}: {answer.status_code}"
        assert answer.status_code < 500, f"{line}: {answer.text}"


@pytest.mark.parametrize("role", CALLERS)
def test_what_is_not_listed_is_not_there(server: TestedServer, role: Role | None) -> None:
    client = server.client(role)
    for method, path in (
        ("GET", "/none"),
        ("DELETE", "/dagster/graphql"),
        ("POST", "/dagster/x"),
        ("OPTIONS", "/"),
    ):
        expected = 401 if role is None else 404 if path == "/none" else 405
        assert client.request(method, path).status_code == expected


def value_of(kind: Any) -> str:
    """A made-up value of an input type, as GraphQL writes it, with only what is required."""
    if isinstance(kind, GraphQLNonNull):
        return value_of(kind.of_type)
    if isinstance(kind, GraphQLList):
        return f"[{value_of(kind.of_type)}]"
    if isinstance(kind, GraphQLEnumType):
        return next(iter(kind.values))
    if isinstance(kind, GraphQLInputObjectType):
        return f"{{{_given(kind.fields)}}}"
    return {"Int": "1", "Float": "1.0", "Boolean": "true", "RunConfigData": "{}"}.get(kind.name, '"x"')


def _given(declared: dict[str, Any]) -> str:
    return ", ".join(f"{name}: {value_of(each.type)}" for name, each in declared.items() if is_required(each))


def is_required(declared: GraphQLArgument | GraphQLInputField) -> bool:
    is_argument = isinstance(declared, GraphQLArgument)
    return is_required_argument(declared) if is_argument else is_required_input_field(declared)


def field_text(name: str, field: GraphQLField) -> str:
    """A field with made-up arguments, that selects nothing but the name of its type."""
    given = _given(field.args)
    kept = "" if is_leaf_type(get_named_type(field.type)) else " { __typename }"
    return f"{name}{f'({given})' if given else ''}{kept}"


def executed(text: str, kind: str, transport: str) -> dict[str, Any]:
    """The body of a request that executes a field of a root, in one of the forms that GraphQL has for it."""
    if transport == "alias":
        text = f"version: {text}"
    elif transport == "fragment":
        root = kind.capitalize()
        return {"query": f"{kind} {{ ...version }} fragment version on {root} {{ {text} }}"}
    elif transport == "two operations":
        return {"query": f"query A {{ version }} {kind} B {{ {text} }}", "operationName": "B"}
    return {"query": f"{kind} {{ {text} }}"}


EXECUTING = ("POST", "alias", "fragment", "two operations")
REFUSED = {"GET": {401, 403}, "text/plain": {401, 415}, "batch": {401, 400}}
"""The transports that execute nothing, and with what they are refused."""


def sent(client: TestClient, text: str, kind: str, transport: str) -> Any:
    """The answer to a field that is sent by a transport."""
    body = executed(text, kind, transport)
    if transport == "GET":
        return client.get("/dagster/graphql", params=body)
    if transport == "text/plain":
        return client.post("/dagster/graphql", params=body, content="{}", headers={"Content-Type": "text/plain"})
    return client.post("/dagster/graphql", json=[body] if transport == "batch" else body)


def is_denied(answer: Any, name: str) -> bool:
    """True if the guard of a field refused it. A valid query reaches the guard before anything else."""
    assert "data" in answer.json(), answer.text
    return any(f"{name} is not allowed" in each["message"] for each in answer.json().get("errors", []))


@pytest.mark.parametrize(("role", "transport"), rotated_pairs(CALLERS, (*EXECUTING, *REFUSED)))
def test_each_field_is_denied_by_each_transport_to_every_role_that_the_table_does_not_name(
    server: TestedServer, role: Role | None, transport: str
) -> None:
    client, before = server.client(role), len(server.entries("dagster-mutation"))
    for kind, root, listed in (
        ("query", SCHEMA.query_type, TABLE.queries),
        ("mutation", SCHEMA.mutation_type, TABLE.mutations),
    ):
        assert root
        for name, field in root.fields.items():
            answer = sent(client, field_text(name, field), kind, transport)
            if role is None or transport in REFUSED:
                assert answer.status_code == (401 if role is None else max(REFUSED[transport] - {401})), name
            else:
                assert is_denied(answer, name) == (not is_open(listed[name], role)), name
    if role in (None, Role.viewer, Role.unsealer) or transport in REFUSED:
        assert len(server.entries("dagster-mutation")) == before


@pytest.mark.parametrize("role", Role)
def test_no_query_and_no_mutation_runs_over_a_websocket(server: TestedServer, role: Role) -> None:
    assert SCHEMA.query_type and SCHEMA.mutation_type
    before = len(server.entries("dagster-mutation"))
    with server.client(role).websocket_connect(WEBSOCKET, ["graphql-ws"]) as websocket:
        for kind, root in (("query", SCHEMA.query_type), ("mutation", SCHEMA.mutation_type)):
            for name in set(root.fields) - set(TABLE.subscriptions):  # such a name is a subscription here
                query = f"{kind} {{ {field_text(name, root.fields[name])} }}"
                websocket.send_json({"type": "start", "id": name, "payload": {"query": query}})
                answer = websocket.receive_json()
                assert (answer["type"], answer["id"]) == ("error", name), answer
    assert len(server.entries("dagster-mutation")) == before


def test_nobody_reads_a_static_file_and_a_viewer_reads_all_that_are_listed(server: TestedServer) -> None:
    build = Path(dagster_webserver.__file__).parent / "webapp" / "build"
    files = [path.relative_to(build).as_posix() for path in build.rglob("*") if path.is_file()]
    assert len(files) > 500
    nobody, viewer = server.client(), server.client(Role.viewer)
    for number, file in enumerate(files):
        path, is_at_root = f"/dagster/{file}", "/" not in file
        if number % 5 == 0 or is_full() or is_at_root:
            assert nobody.get(path).status_code == 401
        if number % 20 == 0 or is_full() or is_at_root:
            needs = TABLE.of_route("GET", path)
            expected = 200 if is_open(needs or NOBODY, Role.viewer) else 403
            assert viewer.get(path).status_code == expected, path


def test_who_may_do_what_is_as_the_file_says() -> None:
    """After a change that is meant: `python -m sync_platform_tests.server.who_may_do_what`."""
    assert LISTED_FILE.read_text().splitlines() == list(listed_lines())


@pytest.mark.parametrize("role", Role)
def test_each_subscription_is_denied_to_every_role_that_the_table_does_not_name(
    server: TestedServer, role: Role
) -> None:
    assert SCHEMA.subscription_type
    for name, field in SCHEMA.subscription_type.fields.items():
        with server.client(role).websocket_connect(WEBSOCKET, ["graphql-ws"]) as websocket:
            query = f"subscription {{ {field_text(name, field)} }}"
            websocket.send_json({"type": "start", "id": "1", "payload": {"query": query}})
            websocket.send_json({"type": "start", "id": "2", "payload": {"query": "{ version }"}})
            answers = []
            while not answers or answers[-1]["id"] != "2":
                answers.append(websocket.receive_json())
        is_denied = any(f"{name} is not allowed" in str(each) for each in answers)
        assert is_denied == (not is_open(TABLE.subscriptions[name], role)), f"{name}: {answers}"


def test_nobody_opens_a_websocket(server: TestedServer) -> None:
    with pytest.raises(WebSocketDisconnect), server.client().websocket_connect(WEBSOCKET):
        pytest.fail("the websocket is open")
