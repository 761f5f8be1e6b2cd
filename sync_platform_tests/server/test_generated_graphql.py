"""Generated GraphQL requests: no 5xx, nothing that the table denies, nothing that a role may not read.

The documents come from the schema that the server itself describes. 2,000 requests with `--full`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from graphql import GraphQLSchema, build_client_schema, get_introspection_query
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from sync_platform.permissions.role import Role
from sync_platform.server.access_table import load_access_table
from sync_platform.server.dagster_ui import actor_context
from sync_platform.server.dagster_ui.guarded_webserver import MOST_TOKENS
from sync_platform.server.request_limits import LARGEST_BODY
from sync_platform_tests.extent import is_full
from sync_platform_tests.server.conftest import GRAPHQL, TestedServer
from sync_platform_tests.server.graphql_documents import documents
from sync_platform_tests.server.test_access_table import is_open

CASES = 2_000 if is_full() else 40
"""Of queries and mutations together."""
MARK = "MARKED-RUN-CONFIG"
TABLE = load_access_table()
ROLES = [Role.viewer, Role.operator, Role.compliance]


@pytest.fixture(scope="module")
def schema(server: TestedServer) -> GraphQLSchema:
    """The schema as the server describes it. The instance has a run with a mark in its configuration."""
    folder = Path(server.settings.home) / "dagster"
    with dg.DagsterInstance.local_temp(str(folder)) as instance:
        run = dg.DagsterRun(job_name="sync", run_config={"ops": {MARK: {"config": {"key": MARK}}}})
        instance.add_run(run)
    answer = server.client(Role.admin).post(GRAPHQL, json={"query": get_introspection_query()})
    assert answer.status_code == 200
    return build_client_schema(answer.json()["data"])


@pytest.mark.parametrize("operation", ["query", "mutation"])
def test_no_generated_request_fails_or_reads_what_is_denied(
    server: TestedServer, schema: GraphQLSchema, operation: str
) -> None:
    clients = {role: server.client(role) for role in ROLES}
    needs = TABLE.queries if operation == "query" else TABLE.mutations

    @settings(
        max_examples=CASES // 2,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        derandomize=True,
        phases=[Phase.generate],  # to look for a shorter one takes minutes
    )
    @given(st.sampled_from(ROLES), documents(schema, operation))
    def sent(role: Role, drawn: tuple[dict[str, Any], dict[str, str]]) -> None:
        body, roots = drawn
        answer = clients[role].post(GRAPHQL, json=body)
        assert answer.status_code in (200, 400, 403), (answer.text, body)
        if role is Role.viewer:
            assert MARK not in answer.text, body
        data = answer.json().get("data") or {}
        denied = {alias for alias, name in roots.items() if not is_open(needs[name], role)}
        assert {alias for alias in denied if data.get(alias) is not None} == set(), body
        if operation == "mutation" and denied and answer.status_code != 400:
            assert answer.status_code == 403, body

    sent()


def _nested(levels: int) -> str:
    return "{ " + "assetNodes { dependencies { asset { " * levels + "id" + " } } }" * levels + " }"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param({"query": f"{{ {'version ' * MOST_TOKENS}}}"}, 400, id="tokens"),
        pytest.param({"query": "{ " + " ".join(f"a{n}: version" for n in range(MOST_TOKENS))}, 400, id="aliases"),
        pytest.param({"query": "{" * 5_000}, 400, id="nesting"),
        pytest.param({"query": _nested(1_500)}, 400, id="deep selections"),
        pytest.param({"query": "{ ...A } fragment A on Query { ...A }"}, 400, id="a fragment of itself"),
        pytest.param({"query": "{ version }", "variables": {"v": "x" * LARGEST_BODY}}, 413, id="huge variables"),
        pytest.param([{"query": "{ version }"}] * 100, 400, id="a batch"),
    ],
)
def test_limits_hold(server: TestedServer, body: Any, status: int) -> None:
    answer = server.client(Role.admin).post(
        GRAPHQL, content=json.dumps(body), headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == status, answer.text[:500]


def test_a_query_ends_after_its_time(server: TestedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actor_context, "QUERY_WITHIN_S", -1.0)
    answer = server.client(Role.admin).post(GRAPHQL, json={"query": "{ version }"})
    assert "the query takes more than" in answer.json()["errors"][0]["message"]
