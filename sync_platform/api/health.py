"""`GET /health`."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Response

from sync_platform.api.context import ApiContext
from sync_platform.api.current_health import CurrentHealth
from sync_platform.api.envelope import Envelope, documented_errors, enveloped
from sync_platform.api.health_answer import HealthAnswer
from sync_platform.api.permission import permitted
from sync_platform.permissions.action import Action


def add_health(router: APIRouter, context: ApiContext) -> None:
    """Add the route of the health."""
    current = CurrentHealth(context)

    @router.get(
        "/health",
        operation_id="readHealth",
        response_model=Envelope[HealthAnswer],
        responses=documented_errors(),
        dependencies=[Depends(permitted(context, Action.read_state))],
        tags=["state"],
    )
    def read_health() -> Response:
        """The health: the score with every lost point, freshness, recent syncs, alerts and the last backup.

        It is at most a few seconds old (`madeAt`). What is not known is null.
        """
        return enveloped(HealthAnswer, current.answer())
