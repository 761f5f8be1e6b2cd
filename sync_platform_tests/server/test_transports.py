"""The guard holds through every transport of GraphQL: methods, content types, aliases, fragments, batches."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.websockets import WebSocketDisconnect

from sync_platform.permissions.role import Role
from sync_platform_tests.server.conftest import GRAPHQL, WEBSOCKET, TestedServer

LAUNCH = (
    'launchRun(executionParams: {selector: {repositoryName: "r", repositoryLocationName: "l", jobName: "j"}}) '
    "{ __typename }"
)
OF_A_RUN = "query ($id: ID!) { runOrError(runId: $id) { __typename } }"
ATTEMPTS: dict[str, dict[str, Any]] = {
    "plain": {"query": f"mutation {{ {LAUNCH} }}"},
    "alias": {"query": f"mutation {{ logTelemetry: {LAUNCH} }}"},
    "fragment": {"query": f"mutation {{ ...version }} fragment version on Mutation {{ {LAUNCH} }}"},
    "inline fragment": {"query": f"mutation {{ ... on Mutation {{ {LAUNCH} }} }}"},
    "two operations": {"query": f"query A {{ version }} mutation B {{ {LAUNCH} }}", "operationName": "B"},
    "directive": {"query": f"mutation {{ {LAUNCH.replace('{ __', '@include(if: true) { __')} }}"},
}


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_a_viewer_launches_nothing_and_an_operator_reaches_dagster(server: TestedServer, attempt: str) -> None:
    refused = server.client(Role.viewer).post(GRAPHQL, json=ATTEMPTS[attempt])
    assert refused.status_code == 403
    assert "launchRun is not allowed for token:viewer" in refused.text
    reached = server.client(Role.operator).post(GRAPHQL, json=ATTEMPTS[attempt])
    assert reached.status_code == 200
    assert "PipelineNotFoundError" in reached.text


def test_only_json_objects_by_post_are_executed(server: TestedServer) -> None:
    client, query = server.client(Role.admin), f"mutation {{ {LAUNCH} }}"
    answers = {
        "GET": client.get(GRAPHQL, params={"query": query}),
        "text/plain with a query in the address": client.post(
            GRAPHQL, params={"query": query}, content="{}", headers={"Content-Type": "text/plain"}
        ),
        "application/graphql": client.post(GRAPHQL, content=query, headers={"Content-Type": "application/graphql"}),
        "a form": client.post(GRAPHQL, data={"query": query}),
        "no content type": client.post(GRAPHQL, params={"query": query}),
        "two content types": client.post(
            GRAPHQL, params={"query": query}, content="{}", headers={"Content-Type": "text/plain; application/json"}
        ),
        "a batch": client.post(GRAPHQL, json=[{"query": query}]),
        "variables as text": client.post(GRAPHQL, json={"query": query, "variables": "{}"}),
        "a persisted query": client.post(GRAPHQL, json={"extensions": {"persistedQuery": {"sha256Hash": "x"}}}),
        "deep variables": client.post(
            GRAPHQL,
            content='{"query": "{ version }", "variables": ' + "[" * 90_000 + "]" * 90_000 + "}",
            headers={"Content-Type": "application/json"},
        ),
        "a variable of another type": client.post(GRAPHQL, json={"query": OF_A_RUN, "variables": {"id": []}}),
        "no JSON": client.post(GRAPHQL, content="{", headers={"Content-Type": "application/json"}),
    }
    statuses = {name: answer.status_code for name, answer in answers.items()}
    assert statuses == dict.fromkeys(("GET",), 403) | dict.fromkeys(list(statuses)[1:6], 415) | dict.fromkeys(
        list(statuses)[6:], 400
    )
    assert all("PipelineNotFoundError" not in answer.text for answer in answers.values())


def test_twenty_thousand_aliases_are_refused_before_they_are_executed(server: TestedServer) -> None:
    aliases = " ".join(f"a{number}: version" for number in range(20_000))
    answer = server.client(Role.viewer).post(GRAPHQL, json={"query": f"{{ {aliases} }}"})
    assert answer.status_code == 400
    assert "token" in answer.text.lower()


def test_a_deeply_nested_query_is_refused(server: TestedServer) -> None:
    query = "{ a" * 3000 + "}" * 3000
    assert server.client(Role.viewer).post(GRAPHQL, json={"query": query}).status_code == 400


@pytest.mark.parametrize("query", [f"mutation {{ {LAUNCH} }}", f"subscription {{ {LAUNCH} }}", "{ instance { info } }"])
def test_neither_queries_nor_mutations_run_over_a_websocket(server: TestedServer, query: str) -> None:
    before = len(server.entries("dagster-mutation"))
    with server.client(Role.admin).websocket_connect(WEBSOCKET, ["graphql-ws"]) as websocket:
        websocket.send_json({"type": "start", "id": "1", "payload": {"query": query}})
        answer = websocket.receive_json()
    assert answer["type"] == "error", answer
    assert len(server.entries("dagster-mutation")) == before


@pytest.mark.parametrize("message", ["no JSON", "[]", '"x"', '{"type": "start"}', '{"type": "start", "payload": 1}'])
def test_a_wrong_message_ends_only_its_own_websocket(server: TestedServer, message: str) -> None:
    with server.client(Role.viewer).websocket_connect(WEBSOCKET, ["graphql-ws"]) as websocket:
        websocket.send_text(message)
        with pytest.raises(WebSocketDisconnect) as closed:
            websocket.receive_json()
    assert closed.value.code == 1003


def test_a_change_is_on_record_with_actor_roles_and_address_before_and_after(server: TestedServer) -> None:
    server.client(Role.operator).post(GRAPHQL, json=ATTEMPTS["alias"])
    begun, ended = server.entries("dagster-mutation")[-2:]
    assert (begun.outcome, ended.outcome) == ("begun", "failed")  # there is no such job
    subject = begun.document()["subject"]
    assert begun.actor.startswith("token:operator")
    assert subject["mutation"] == "launchRun"
    assert subject["selector"] == {"repositoryName": "r", "repositoryLocationName": "l", "jobName": "j"}
    assert (subject["roles"], subject["address"]) == (["operator"], "testclient")


def test_a_field_that_a_query_names_a_thousand_times_is_denied_once(server: TestedServer) -> None:
    before = len(server.entries("denied"))
    aliases = " ".join(f'a{number}: capturedLogs(logKey: ["x"]) {{ stdout }}' for number in range(500))
    assert server.client(Role.viewer).post(GRAPHQL, json={"query": f"{{ {aliases} }}"}).status_code == 200
    assert len(server.entries("denied")) == before + 1


def test_a_denial_is_on_record(server: TestedServer) -> None:
    server.client(Role.viewer).post(GRAPHQL, json=ATTEMPTS["plain"])
    entry = server.entries("denied")[-1]
    assert entry.actor.startswith("token:viewer")
    assert entry.document()["subject"] == {
        "what": "Mutation.launchRun", "reason": "role", "roles": ["viewer"], "address": "testclient",
    }  # fmt: skip


@pytest.mark.parametrize("role, sees", [(Role.viewer, False), (Role.compliance, False), (Role.admin, True)])
def test_the_configuration_of_the_instance_is_empty_but_for_admins(
    server: TestedServer, role: Role, sees: bool
) -> None:
    answer = server.client(role).post(GRAPHQL, json={"query": "{ instance { info executablePath hasInfo } }"})
    assert answer.status_code == 200
    found = answer.json()["data"]["instance"]
    assert (bool(found["info"]), bool(found["executablePath"])) == (sees, sees)


def test_dagsters_own_permissions_follow_the_role(server: TestedServer) -> None:
    query = {"query": "{ permissions { permission value } }"}
    enabled = {}
    for role in (Role.viewer, Role.operator, Role.admin):
        answer = server.client(role).post(GRAPHQL, json=query).json()["data"]["permissions"]
        enabled[role] = {each["permission"] for each in answer if each["value"]}
    assert enabled[Role.viewer] == set()
    assert "launch_pipeline_execution" in enabled[Role.operator]
    assert "edit_sensor" in enabled[Role.admin] - enabled[Role.operator]
    assert "wipe_assets" not in enabled[Role.admin]


def test_an_error_in_dagster_shows_no_stack(server: TestedServer) -> None:
    query = '{ capturedLogs(logKey: ["../../../etc/passwd"]) { stdout } }'
    answer = server.client(Role.admin).post(GRAPHQL, json={"query": query})
    assert "errorInfo" not in answer.text
    assert "Traceback" not in answer.text


@pytest.mark.parametrize("path", ["logs/..%2f..%2fledger.out", "logs/a/%2e%2e/%2e%2e/b.out", "download_debug/none"])
def test_files_outside_the_logs_are_not_found(server: TestedServer, path: str) -> None:
    assert server.client(Role.admin).get(f"/dagster/{path}").status_code == 404


@pytest.mark.parametrize("path", ["/dagster/", "/dagster/runs", "/dagster/assets/chope/restaurants"])
def test_a_viewer_sees_the_page_of_dagster_which_nobody_may_frame(server: TestedServer, path: str) -> None:
    answer = server.browser(Role.viewer).get(path)
    assert answer.status_code == 200
    assert "/dagster/_next/static" in answer.text
    policies = answer.headers.get_list("content-security-policy")
    assert any("nonce-" in each for each in policies)
    assert any("frame-ancestors 'none'" in each for each in policies)
