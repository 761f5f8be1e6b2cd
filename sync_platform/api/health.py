"""`GET /health`."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Response
from starlette.concurrency import run_in_threadpool

from sync_platform.api.context import ApiContext
from sync_platform.api.current_health import CurrentHealth
from sync_platform.api.envelope import Envelope, documented_errors, enveloped
from sync_platform.api.health_answer import HealthAnswer
from sync_platform.api.permission import permitted
from sync_platform.permissions.action import Action


def add_health(router: APIRouter, context: ApiContext) -> None:
    """Add the route of the health."""
    current = CurrentHealth(context)
    context.first_reads.append(current.answer)

    @router.get(
        "/health",
        operation_id="readHealth",
        response_model=Envelope[HealthAnswer],
        responses=documented_errors(),
        dependencies=[Depends(permitted(context, Action.read_state))],
        tags=["state"],
    )
    async def read_health() -> Response:
        """The health: the score with every lost point, freshness, recent syncs, alerts and the last backup.

        It is at most a few seconds old (`madeAt`). What is not known is null.
        """
        known_answer = current.known()
        if known_answer is None:  # most requests need no thread, which slow requests of others may occupy
            known_answer = await run_in_threadpool(current.answer)
        return enveloped(HealthAnswer, known_answer)
