"""What started a run, as tags of the run: an emergency request, or a person who waits for it."""

from __future__ import annotations

from collections.abc import Mapping

from sync_platform.emergency.request import EmergencyRequest, Priority
from sync_platform.lake.syncs import Trigger

ATTENDED_TAG = "sync_platform/attended"
"""The tag of runs of this program's own processes: a failure is reported at once, and not retried minutes later."""
RETRIED_TAG = "sync_platform/retried"
"""The tag of those among them that no person waits for: they are retried like runs that Dagster launched."""
LAUNCHED_AGAIN_TAG = "dagster/retry_on_asset_or_op_failure"
"""Dagster's tag of a run that is launched again although one of its steps has failed."""
REQUEST_ID_TAG = "sync_platform/request_id"
REQUESTER_TAG = "sync_platform/requested_by"
REASON_TAG = "sync_platform/request_reason"
PRIORITY_TAG = "sync_platform/request_priority"
RUN_PRIORITY_TAG = "dagster/priority"
RUN_PRIORITIES: dict[Priority, int] = {"low": 1, "medium": 10, "high": 100, "critical": 1000}
"""Dagster launches the highest priority first. Runs of schedules, of the UI and of backfills have 0."""


def tags_of_request(request: EmergencyRequest) -> dict[str, str]:
    """The tags of every run of a request."""
    return {
        REQUEST_ID_TAG: request.request_id,
        REQUESTER_TAG: request.requester,
        REASON_TAG: request.reason,
        **tags_of_priority(request),
    }


def tags_of_priority(request: EmergencyRequest) -> dict[str, str]:
    """The tags that change when a more urgent request joins this one."""
    return {PRIORITY_TAG: request.priority, RUN_PRIORITY_TAG: str(RUN_PRIORITIES[request.priority])}


def trigger_of(tags: Mapping[str, str]) -> Trigger:
    """The trigger that a run's tags carry; empty for a run without an emergency request."""
    return Trigger(tags.get(REQUEST_ID_TAG), tags.get(REQUESTER_TAG), tags.get(REASON_TAG), tags.get(PRIORITY_TAG))
