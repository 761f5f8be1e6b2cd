"""`GET` and `POST /privacy/requests`, and `GET /privacy/requests/{number}`.

What belongs here: the register. Nothing is erased over the API: an erasure needs a second operator at the command line.
"""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from sync_platform.api.context import ApiContext
from sync_platform.api.envelope import WITH_BODY, Envelope, documented_errors, enveloped
from sync_platform.api.idempotency_keys import IdempotencyKey, IdempotencyKeys
from sync_platform.api.permission import known_actor, permitted, require_on
from sync_platform.api.privacy_answer import PrivacyRequestAnswer, PrivacyRequestBody, PrivacyRequestList
from sync_platform.errors import NotFound
from sync_platform.permissions.action import Action
from sync_platform.permissions.actor import Actor
from sync_platform.privacy.privacy_request import PrivacyRequest, PrivacyRequestKind
from sync_platform.privacy.request_deadline import Law
from sync_platform.privacy.request_register import RequestRegister
from sync_platform.storage.operation_name import OperationName
from sync_platform.storage.relational import database_exists


def add_privacy(router: APIRouter, context: ApiContext) -> None:
    """Add the routes of the register of privacy requests."""
    may_read = Depends(permitted(context, Action.read_privacy))
    keys = IdempotencyKeys(context.settings.ledger_url)

    @router.get(
        "/privacy/requests",
        operation_id="listPrivacyRequests",
        response_model=Envelope[PrivacyRequestList],
        responses=documented_errors(),
        dependencies=[may_read],
        tags=["privacy"],
    )
    def list_privacy_requests(
        only_open: Annotated[bool, Query(alias="open", description="Only requests that are not closed.")] = False,
    ) -> Response:
        """List the requests of persons about their data, with the day on which each is due."""
        requests = [request for request in _requests(context) if request.is_open or not only_open]
        return enveloped(PrivacyRequestList, PrivacyRequestList(items=[_answer(request) for request in requests]))

    @router.get(
        "/privacy/requests/{number}",
        operation_id="readPrivacyRequest",
        response_model=Envelope[PrivacyRequestAnswer],
        responses=documented_errors(404),
        dependencies=[may_read],
        tags=["privacy"],
    )
    def read_privacy_request(number: Annotated[int, Path(ge=1)]) -> Response:
        """Show a request of a person, with everything that was recorded of it."""
        request = next((each for each in _requests(context) if each.number == number), None)
        if request is None:
            raise NotFound(f"there is no privacy request {number}")
        return enveloped(PrivacyRequestAnswer, _answer(request))

    @router.post(
        "/privacy/requests",
        operation_id="recordPrivacyRequest",
        response_model=Envelope[PrivacyRequestAnswer],
        status_code=201,
        responses=documented_errors(*WITH_BODY),
        tags=["privacy"],
    )
    def record_privacy_request(
        request: Request, body: PrivacyRequestBody, idempotency_key: IdempotencyKey = None
    ) -> Response:
        """Record a request of a person that was received. The answer has its number, and the day on which it is due.

        It is only recorded: people examine it, and an erasure needs two of them.
        """
        actor = require_on(context, known_actor(request), Action.change_privacy, [""])
        key = keys.require_same(actor, idempotency_key, "privacy request", body.model_dump(mode="json"))
        number = _recorded(context, actor, body, sha256(key.encode()).hexdigest())
        recorded = next(each for each in _requests(context) if each.number == number)
        headers = {"Location": f"{request.url.path}/{number}"}
        return enveloped(PrivacyRequestAnswer, _answer(recorded), 201, headers)


def _recorded(context: ApiContext, actor: Actor, body: PrivacyRequestBody, receipt: str) -> int:
    """The number of the recorded request. That it is recorded is in the audit log before."""
    register = RequestRegister(context.settings.ledger_url)
    try:
        with context.noted(actor, OperationName.privacy_request, {"event": "received", "kind": body.kind}) as details:
            details["request"] = register.add(
                PrivacyRequestKind(body.kind),
                actor=actor.name,
                received_at=body.received_at,
                law=Law(body.law),
                reference=body.reference,
                identity=body.identity,
                subjects=body.subjects,
                via="api",
                receipt=receipt,
            )
        return int(details["request"])
    finally:
        register.dispose()


def _requests(context: ApiContext) -> list[PrivacyRequest]:
    if not database_exists(context.settings.ledger_url):  # reading must not create it
        return []
    register = RequestRegister(context.settings.ledger_url)
    try:
        return register.requests()
    finally:
        register.dispose()


def _answer(request: PrivacyRequest) -> PrivacyRequestAnswer:
    return PrivacyRequestAnswer.model_validate(request.document(datetime.now(UTC)))
