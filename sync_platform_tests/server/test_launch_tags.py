"""A run that is launched through the server has the tags of who launched it, whatever the request says of itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from sync_platform.defs.audit import note_run
from sync_platform.permissions.actor import Actor
from sync_platform.permissions.role import Role
from sync_platform.server.dagster_ui.launch_tags import with_actor
from sync_platform.server.dagster_ui.workspace import LOCATION
from sync_platform.storage.audit_log import AuditLog
from sync_platform_tests.server.conftest import TestedServer

FORGED = [
    {"key": key, "value": "forged"}
    for key in (
        "user",
        "sync_platform/actor",
        "sync_platform/attended",
        "sync_platform/request_id",
        "dagster/schedule_name",
        "dagster/sensor_name",
    )
]
KEPT = {"key": "dagster/partition", "value": "one"}
SELECTOR = f'{{repositoryLocationName: "{LOCATION}", repositoryName: "__repository__", jobName: "small"}}'
LAUNCH = f"""mutation Launch($tags: [ExecutionTag!]) {{
  launchRun(executionParams: {{selector: {SELECTOR}, executionMetadata: {{tags: $tags}}}}) {{
    __typename ... on LaunchRunSuccess {{ run {{ runId tags {{ key value }} }} }} ... on PythonError {{ message }}
  }} }}"""
REPEAT = """mutation Repeat($id: String!) {
  launchRunReexecution(reexecutionParams: {parentRunId: $id, strategy: ALL_STEPS, useParentRunTags: true}) {
    __typename ... on LaunchRunSuccess { run { runId tags { key value } } } ... on PythonError { message }
  } }"""
BACKFILL = f"""mutation {{ launchPartitionBackfill(backfillParams: {{
  selector: {{partitionSetName: "small_partition_set",
    repositorySelector: {{repositoryLocationName: "{LOCATION}", repositoryName: "__repository__"}}}},
  partitionNames: ["one"], tags: [{{key: "user", value: "forged"}}, {{key: "sync_platform/attended", value: "true"}}]
}}) {{ __typename ... on LaunchBackfillSuccess {{ backfillId }} ... on PythonError {{ message }} }} }}"""


def launched(client: Any, query: str, **variables: Any) -> dict[str, Any]:
    answer = client.post("/dagster/graphql", json={"query": query, "variables": variables}).json()
    (found,) = answer["data"].values()
    assert "Success" in found["__typename"], answer
    return dict(found)


def tags_in(run: dict[str, Any]) -> dict[str, str]:
    return {each["key"]: each["value"] for each in run["run"]["tags"]}


def test_a_run_has_its_launcher_in_its_tags_and_the_audit_log_has_actor_role_and_address(server: TestedServer) -> None:
    found = launched(server.browser(Role.operator, name="ola"), LAUNCH, tags=[*FORGED, KEPT])
    tags = server.instance.get_run_by_id(found["run"]["runId"]).tags  # type: ignore[union-attr]
    assert (tags["user"], tags["sync_platform/actor"], tags["dagster/partition"]) == ("ola", "ola", "one")
    assert "forged" not in tags.values()
    entry = server.entries("dagster-mutation")[-1]
    subject = entry.document()["subject"]
    assert (entry.actor, entry.outcome, subject["run_id"]) == ("ola", "complete", found["run"]["runId"])
    assert (subject["roles"], subject["address"]) == (["operator"], "testclient")


def test_a_repeat_has_the_tags_of_who_repeats_it(server: TestedServer) -> None:
    first = launched(server.browser(Role.operator, name="ola"), LAUNCH, tags=[])
    again = launched(server.browser(Role.admin, name="eve"), REPEAT, id=first["run"]["runId"])
    tags = server.instance.get_run_by_id(again["run"]["runId"]).tags  # type: ignore[union-attr]
    assert (tags["user"], tags["sync_platform/actor"]) == ("eve", "eve")


def test_a_backfill_and_its_repeat_have_the_tags_of_who_launched_them(server: TestedServer) -> None:
    client = server.browser(Role.operator, name="ola")
    backfill = server.instance.get_backfill(launched(client, BACKFILL)["backfillId"])
    assert backfill
    assert (backfill.tags["user"], backfill.tags["sync_platform/actor"]) == ("ola", "ola")
    assert "sync_platform/attended" not in backfill.tags


@pytest.mark.parametrize(
    "arguments",
    [
        {"executionParams": {"executionMetadata": {"tags": FORGED}}},
        {"executionParams": {}},
        {"executionParamsList": [{"executionMetadata": {"tags": FORGED}}, {}]},
        {"reexecutionParams": {"parentRunId": "x", "extraTags": FORGED}},
        {"backfillParams": {"tags": FORGED}},
    ],
)
def test_no_mutation_that_launches_lets_a_request_say_who_launched_it(arguments: dict[str, Any]) -> None:
    found = str(with_actor(arguments, Actor("ola", frozenset({Role.operator}))))
    runs = len(arguments.get("executionParamsList", [{}]))
    assert "forged" not in found
    assert found.count("'user', 'value': 'ola'") == found.count("'sync_platform/actor', 'value': 'ola'") == runs


@pytest.mark.parametrize(("actor", "via"), [("ola", "ui"), ("token:orchestra", "api")])
def test_a_repeated_run_of_a_command_or_a_schedule_is_on_record_as_its_launchers(
    tmp_path: Path, actor: str, via: str
) -> None:
    inherited = {"sync_platform/attended": "true", "dagster/schedule_name": "nightly"}
    ledger = f"sqlite:///{tmp_path}/ledger.sqlite"
    note_run(dg.DagsterRun(job_name="small", tags={**inherited, "sync_platform/actor": actor}), ledger, "sync")
    (entry,) = AuditLog(ledger).entries()
    assert (entry.actor, entry.via) == (actor, via)
