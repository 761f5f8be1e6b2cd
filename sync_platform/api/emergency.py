"""`POST /emergency`, `GET /emergency` and `GET /emergency/{id}`."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request, Response
from starlette.responses import StreamingResponse

from sync_platform.api.context import ApiContext
from sync_platform.api.cursor import cursor_after, place_of
from sync_platform.api.emergency_answer import EmergencyAnswer, EmergencyBody, SubmittedEmergency
from sync_platform.api.envelope import WITH_BODY, AnswerPage, Envelope, documented_errors, enveloped
from sync_platform.api.idempotency_keys import IdempotencyKey, IdempotencyKeys
from sync_platform.api.paging import Cursor, Limit
from sync_platform.api.permission import known_actor, permitted, require_on
from sync_platform.api.progress_events import EVENT_SCHEMA, EVENTS, SharedProgress, progress_events
from sync_platform.emergency.request import EmergencyRequest
from sync_platform.emergency.request_report import report_on
from sync_platform.emergency.submission import Submission, submit_request
from sync_platform.errors import NoLakeYet
from sync_platform.lake.syncs import SyncRecord, syncs_of_requests
from sync_platform.landing.source import require_terms
from sync_platform.permissions.action import Action
from sync_platform.permissions.actor import Actor
from sync_platform.platforms import choose, platforms_in_use
from sync_platform.settings import platform_settings
from sync_platform.storage.operation_name import OperationName


def add_emergency(router: APIRouter, context: ApiContext) -> None:
    """Add the routes of emergency requests."""
    keys, shared = IdempotencyKeys(context.settings.ledger_url), SharedProgress(context)
    may_read = Depends(permitted(context, Action.read_state))

    @router.post(
        "/emergency",
        operation_id="requestEmergency",
        status_code=202,
        response_model=Envelope[SubmittedEmergency],
        responses=documented_errors(409, *WITH_BODY),
        tags=["emergency"],
    )
    def request_emergency(request: Request, body: EmergencyBody, idempotency_key: IdempotencyKey = None) -> Response:
        """Request a sync of platforms before their schedule.

        A request for the same platforms joins the open one, and raises its priority if it is more urgent. Follow the
        request at `statusUrl`.
        """
        actor = known_actor(request)
        if not body.sources:
            body = body.model_copy(update={"sources": list(platforms_in_use(context.platforms, context.settings))})
        names = [each.name for each in choose(context.platforms, body.sources)]
        require_on(context, actor, Action.start_emergency, names)
        for name in names:
            require_terms(context.platforms[name], platform_settings(name))
        key = keys.require_same(actor, idempotency_key, "emergency", body.model_dump())
        submission = submitted(context, actor, body, f"api {key}")
        request_id = submission.request.request_id
        status_url = f"{request.url.path}/{request_id}"
        is_joined = submission.joined and not context.requests.was_made_by(request_id, submission.asking_key)
        data = SubmittedEmergency(
            **report_on(submission.request, [], {}).document(), joined=is_joined, status_url=status_url
        )
        return enveloped(SubmittedEmergency, data, 202, {"Location": status_url})

    @router.get(
        "/emergency",
        operation_id="listEmergencies",
        response_model=Envelope[AnswerPage[EmergencyAnswer]],
        responses=documented_errors(),
        dependencies=[may_read],
        tags=["emergency"],
    )
    def list_emergencies(limit: Limit = 20, cursor: Cursor = None) -> Response:
        """List the emergency requests, newest first."""
        before = place_of(cursor, {}, (str,))[0] if cursor else None
        requests = context.requests.latest(limit + 1, before)
        shown_requests = requests[:limit]
        last = cursor_after([shown_requests[-1].request_id], {}) if len(requests) > limit else None
        page = AnswerPage[EmergencyAnswer](items=answers_of(context, shown_requests), next_cursor=last)
        return enveloped(AnswerPage[EmergencyAnswer], page)

    @router.get(
        "/emergency/{request_id}",
        operation_id="readEmergency",
        response_model=Envelope[EmergencyAnswer],
        responses=documented_errors(404),
        dependencies=[may_read],
        tags=["emergency"],
    )
    def read_emergency(request_id: str) -> Response:
        """Show an emergency request: who asked, why, and the progress or the result of each platform."""
        return enveloped(EmergencyAnswer, answers_of(context, [context.requests.find(request_id)])[0])

    @router.get(
        "/emergency/{request_id}/events",
        operation_id="followEmergency",
        response_class=StreamingResponse,
        responses={**documented_errors(404), 200: {"description": "Events", "content": {EVENTS: EVENT_SCHEMA}}},
        dependencies=[may_read],
        tags=["emergency"],
    )
    def follow_emergency(request_id: str) -> Response:
        """Follow an emergency request: an event `progress` now and after each change, until it has ended.

        The data of an event is JSON: the status of the request, and the phase, records and pages of each platform.
        """
        context.requests.find(request_id)
        return StreamingResponse(progress_events(shared, request_id), media_type=EVENTS)


def submitted(context: ApiContext, actor: Actor, body: EmergencyBody, receipt: str) -> Submission:
    """The stored request. It is in the audit log before it is stored, and again with its id."""
    subject = {"platforms": body.sources, "priority": body.priority}
    with context.noted(actor, OperationName.emergency, subject) as details:
        submission = submit_request(
            context.requests,
            context.platforms,
            list(body.sources),
            reason=body.reason,
            requester=actor.name,
            priority=body.priority,
            receipt=receipt,
        )
        details["request_id"] = submission.request.request_id
    return submission


def answers_of(context: ApiContext, requests: list[EmergencyRequest]) -> list[EmergencyAnswer]:
    """The requests with the records of their syncs, and the progress of those that run."""
    records = _records(context, [each.request_id for each in requests if each.launched_at])
    return [EmergencyAnswer(**report_on(each, records, _progress(context, each)).document()) for each in requests]


def _progress(context: ApiContext, request: EmergencyRequest) -> dict[str, str]:
    """What each unfinished run of a request does now, by run id."""
    running = {run.platform: run.run_id for run in request.runs if run.run_id and run.state != "finished"}
    if not running:
        return {}
    written = context.progress.of_request(request.request_id)
    details = {run_id: written[platform].details for platform, run_id in running.items() if platform in written}
    others = [run_id for run_id in running.values() if run_id not in details]
    return {**(context.progress_of(others) if others else {}), **details}


def _records(context: ApiContext, request_ids: list[str]) -> list[SyncRecord]:
    if not request_ids:
        return []
    try:
        return syncs_of_requests(context.lake, request_ids)
    except NoLakeYet:
        return []
