"""The table of who may do what is complete, and is what the server does: as nobody and as each role."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

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
from sync_platform.permissions.action import Action
from sync_platform.permissions.actor import Actor
from sync_platform.permissions.decision import is_allowed
from sync_platform.permissions.role import Role
from sync_platform.server.access_table import ANYBODY, NOBODY, USER, load_access_table
from sync_platform.server.dagster_ui.guarded_webserver import PREFIX, lines_of
from sync_platform_tests.extent import only_in_full
from sync_platform_tests.server.conftest import WEBSOCKET, TestedServer

TABLE = load_access_table()
SCHEMA = create_schema().graphql_schema
USUAL = (Role.viewer, Role.operator)
ROLES = [role if role in USUAL else only_in_full(role) for role in Role]
CALLERS = [None, *ROLES]
NEVER_RUN = {"logTelemetry", "setNuxSeen"}
"""Mutations of Dagster without a permission check of its own."""


def is_open(needs: str, role: Role | None) -> bool:
    """What the table says, in the terms of the one function that decides."""
    if needs in (ANYBODY, NOBODY):
        return needs == ANYBODY
    if role is None:
        return False
    return needs == USER or is_allowed(Actor("x", frozenset({role})), Action(needs))


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


def denied(client: TestClient, query: str, name: str) -> bool:
    """True if the guard of a field refused it. A valid query reaches the guard before anything else."""
    answer = client.post("/dagster/graphql", json={"query": query})
    assert "data" in answer.json(), f"{query}: {answer.text}"
    return any(f"{name} is not allowed" in each["message"] for each in answer.json().get("errors", []))


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("kind", ["query", "mutation"])
def test_each_field_is_denied_to_every_role_that_the_table_does_not_name(
    server: TestedServer, role: Role, kind: str
) -> None:
    root = SCHEMA.query_type if kind == "query" else SCHEMA.mutation_type
    listed = TABLE.queries if kind == "query" else TABLE.mutations
    assert root
    client = server.client(role)
    for name, field in root.fields.items():
        query = f"{kind} {{ {field_text(name, field)} }}"
        assert denied(client, query, name) == (not is_open(listed[name], role)), name


@pytest.mark.parametrize("role", ROLES)
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
