"""`GET /privacy/requests` and `GET /privacy/requests/{number}`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Response

from sync_platform.api.context import ApiContext
from sync_platform.api.envelope import Envelope, documented_errors, enveloped
from sync_platform.api.permission import permitted
from sync_platform.api.privacy_answer import PrivacyRequestAnswer, PrivacyRequestList
from sync_platform.errors import NotFound
from sync_platform.permissions.action import Action
from sync_platform.privacy.privacy_request import PrivacyRequest
from sync_platform.privacy.request_register import RequestRegister
from sync_platform.storage.relational import database_exists


def add_privacy(router: APIRouter, context: ApiContext) -> None:
    """Add the reads of the register of privacy requests."""
    may_read = Depends(permitted(context, Action.read_privacy))

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
        found = [each for each in _requests(context) if each.is_open or not only_open]
        return enveloped(PrivacyRequestList, PrivacyRequestList(items=[_answer(each) for each in found]))

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
        found = next((each for each in _requests(context) if each.number == number), None)
        if found is None:
            raise NotFound(f"there is no privacy request {number}")
        return enveloped(PrivacyRequestAnswer, _answer(found))


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
