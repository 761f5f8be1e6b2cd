"""A sync of the register as an integration launches it: through GraphQL, into the queue of the daemon."""

from __future__ import annotations

from datetime import date
from typing import Any

import httpx

from sync_platform.defs.dead_runs import PROCESS_TAG
from sync_platform.sources.period import period_of
from sync_platform_tests.cli.conftest import TODAY

LAUNCH = """mutation Launch($week: String!) { launchRun(executionParams: {
  selector: {repositoryLocationName: "sync_platform.definitions", repositoryName: "__repository__",
             jobName: "weekly_government_sync"}, runConfigData: {},
  executionMetadata: {tags: [{key: "dagster/partition", value: $week}]}
}) { __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
STATE = "query State($id: ID!) { runOrError(runId: $id) { ... on Run { status tags { key value } } } }"

DONE = """query Done { runsOrError(filter: {pipelineName: "weekly_government_sync", statuses: [SUCCESS]}) {
  ... on Runs { results { runId } } } }"""


def launch(client: httpx.Client) -> dict[str, Any]:
    """The answer to a launch of this week's sync."""
    week = period_of("weekly", date.fromisoformat(TODAY)).key
    answer = client.post("/dagster/graphql", json={"query": LAUNCH, "variables": {"week": week}})
    return dict(answer.raise_for_status().json())


def launched(client: httpx.Client) -> str:
    """The id of a launched run."""
    answer = launch(client)
    assert answer["data"]["launchRun"]["__typename"] == "LaunchRunSuccess", answer
    return str(answer["data"]["launchRun"]["run"]["runId"])


def state_of(client: httpx.Client, run: str) -> str:
    return str(_found(client, run)["status"])


def successful(client: httpx.Client) -> set[str]:
    """The ids of all syncs of the register that succeeded."""
    answer = client.post("/dagster/graphql", json={"query": DONE}).raise_for_status()
    return {each["runId"] for each in answer.json()["data"]["runsOrError"]["results"]}


def process_of(client: httpx.Client, run: str) -> str | None:
    """The number of the process of a run, as its machine counts; None where it has none yet."""
    tags = {each["key"]: each["value"] for each in _found(client, run)["tags"]}
    return tags[PROCESS_TAG].split("/")[1] if PROCESS_TAG in tags else None


def _found(client: httpx.Client, run: str) -> dict[str, Any]:
    answer = client.post("/dagster/graphql", json={"query": STATE, "variables": {"id": run}})
    return dict(answer.raise_for_status().json()["data"]["runOrError"])
