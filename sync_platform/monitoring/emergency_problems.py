"""The alerts of an emergency request: that it has started, that it is in trouble, and how it has ended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta

from sync_platform.documents.local_time import local_minute
from sync_platform.emergency.request import EmergencyRequest
from sync_platform.emergency.request_store import RequestStore
from sync_platform.emergency.sync_progress import ProgressStore, SyncProgress
from sync_platform.monitoring.alert_channels import channel_names
from sync_platform.monitoring.alert_round import decide_and_deliver
from sync_platform.monitoring.alert_store import AlertStore
from sync_platform.monitoring.problem import Problem, ProblemName
from sync_platform.settings import Settings
from sync_platform.storage.relational import database_exists

NAMES = frozenset({ProblemName.emergency_started, ProblemName.emergency_in_trouble, ProblemName.emergency_ended})
LATELY = timedelta(hours=1)
"""For this long after its end, the start and the end of a request have alerts, in case no round ran before."""
TROUBLE_LASTS = timedelta(days=1)
"""How long after its end a request that is not complete counts as in trouble."""
STARTS_WITHIN = timedelta(seconds=30)
"""A request that is not started within this time is in trouble: the sensor takes it after ten seconds."""
NEWEST = 50
"""How many requests a round reads, the newest ones."""


def announce_emergencies(settings: Settings) -> None:
    """Decide on these alerts now and send them, between the rounds of the watch; StorageError for a broken ledger."""
    store = AlertStore(settings.ledger_url, channel_names(settings))
    try:
        decide_and_deliver(settings, store, read_emergency_problems(settings, datetime.now(UTC)), NAMES)
    finally:
        store.engine.dispose()


def read_emergency_problems(settings: Settings, now: datetime) -> list[Problem]:
    """The problems of the newest requests; StorageError where the ledger cannot be read."""
    if not database_exists(settings.ledger_url):
        return []
    with closing(RequestStore(settings.ledger_url)) as requests, closing(ProgressStore(settings.ledger_url)) as store:
        found_requests = requests.latest(NEWEST)
        return [
            problem
            for request in found_requests
            for problem in emergency_problems(request, store.of_request(request.request_id), now)
        ]


def emergency_problems(
    request: EmergencyRequest, syncs: Mapping[str, SyncProgress], now: datetime
) -> Iterator[Problem]:
    """The problems of a request now. `syncs`: the progress by platform."""
    ended_ago = now - request.finished_at if request.finished_at else timedelta(0)
    if request.launched_at and ended_ago < LATELY:
        yield _problem(
            request,
            ProblemName.emergency_started,
            f"The {request.priority} emergency request {request.request_id} of {request.requester} started at "
            f"{local_minute(request.launched_at)}: {request.reason}.",
        )
    reasons = list(_troubles(request, syncs, now)) if ended_ago < TROUBLE_LASTS else []
    if reasons:
        yield _problem(
            request,
            ProblemName.emergency_in_trouble,
            f"The {request.priority} emergency request {request.request_id} is in trouble: {'; '.join(reasons)}.",
        )
    if request.finished_at and ended_ago < LATELY:
        yield _problem(
            request,
            ProblemName.emergency_ended,
            f"The emergency request {request.request_id} ended {request.outcome} at "
            f"{local_minute(request.finished_at)}.",
        )


def _troubles(request: EmergencyRequest, syncs: Mapping[str, SyncProgress], now: datetime) -> Iterator[str]:
    """Why the request is in trouble, a sentence for each platform that is."""
    for run in request.runs:
        sync = syncs.get(run.platform)
        if run.state == "finished" and run.outcome != "complete":
            yield f"{run.platform} ended {run.ended_in_words}" + (f" ({run.error})" if run.error else "")
        elif run.state == "running" and sync and sync.phase == "between-attempts":
            yield f"{run.platform} could not be fetched, {sync.details}"
        elif run.state == "requested" and now - request.requested_at > STARTS_WITHIN:
            yield f"nothing has started {run.platform}"


_EFFECT = {
    ProblemName.emergency_started: ("The data of these platforms is fetched again.", "Nothing is to be done."),
    ProblemName.emergency_in_trouble: (
        "What was to be corrected is not corrected yet. Stored data stay as they are.",
        "See what the request waits for, and request it again once the reason is gone.",
    ),
    ProblemName.emergency_ended: ("See the report of the request.", "Nothing is to be done if it is complete."),
}
"""The effect of each, and what to do."""


def _problem(request: EmergencyRequest, name: ProblemName, what: str) -> Problem:
    effect, action = _EFFECT[name]
    command = ("emergency", "status", request.request_id)
    return Problem(name, request.request_id, what, effect, action, command, tuple(request.platforms))
