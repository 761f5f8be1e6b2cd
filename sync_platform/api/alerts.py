"""`GET /alerts`, `GET /alerts/{id}` and `POST /alerts/{id}/ack`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from sync_platform.api.alert_answer import AlertAnswer, AlertList
from sync_platform.api.api_error import ApiError
from sync_platform.api.context import ApiContext
from sync_platform.api.envelope import Envelope, documented_errors, enveloped
from sync_platform.api.permission import known_actor, permitted, require_on
from sync_platform.monitoring.alert import Alert
from sync_platform.monitoring.alert_channels import channel_names
from sync_platform.monitoring.alert_store import AlertStore, no_such_alert
from sync_platform.permissions.action import Action
from sync_platform.storage.operation_name import OperationName
from sync_platform.storage.relational import database_exists

AlertId = Annotated[str, Path(max_length=100)]


def add_alerts(router: APIRouter, context: ApiContext) -> None:
    """Add the routes of alerts."""
    may_read = Depends(permitted(context, Action.read_state))
    store = AlertStore(context.settings.ledger_url, channel_names(context.settings))

    @router.get(
        "/alerts",
        operation_id="listAlerts",
        response_model=Envelope[AlertList],
        responses=documented_errors(),
        dependencies=[may_read],
        tags=["alerts"],
    )
    def list_alerts(
        every: Annotated[
            bool, Query(alias="all", description="Also those of the last 90 days that are resolved.")
        ] = False,
    ) -> Response:
        """List the open alerts, the most severe first."""
        if not database_exists(context.settings.ledger_url):  # reading must not create it
            return enveloped(AlertList, AlertList(items=[], last_round_at=None))
        alerts = store.all_alerts() if every else store.open_alerts()
        answers = [_answer(alert) for alert in alerts]
        return enveloped(AlertList, AlertList(items=answers, last_round_at=store.last_round_at()))

    @router.get(
        "/alerts/{alert_id}",
        operation_id="readAlert",
        response_model=Envelope[AlertAnswer],
        responses=documented_errors(404),
        dependencies=[may_read],
        tags=["alerts"],
    )
    def read_alert(alert_id: AlertId) -> Response:
        """Show an alert."""
        return enveloped(AlertAnswer, _answer(_known(alert_id)))

    @router.post(
        "/alerts/{alert_id}/ack",
        operation_id="acknowledgeAlert",
        response_model=Envelope[AlertAnswer],
        responses=documented_errors(404, 409),
        tags=["alerts"],
    )
    def acknowledge_alert(request: Request, alert_id: AlertId) -> Response:
        """Acknowledge an alert: somebody works on it, and it is not escalated any more."""
        actor = require_on(context, known_actor(request), Action.change_alerts, [""])
        alert = _known(alert_id)
        if not alert.is_open:
            raise ApiError(409, "already_resolved", f"alert {alert_id} is resolved already: {alert.resolved_because}")
        with context.noted(actor, OperationName.acknowledge_alert, {"alert": alert_id, "cause": alert.cause}):
            changed = store.acknowledge(alert_id, actor.name)
        return enveloped(AlertAnswer, _answer(changed))

    def _known(alert_id: str) -> Alert:
        if not database_exists(context.settings.ledger_url):
            raise no_such_alert(alert_id)
        return store.find(alert_id)


def _answer(alert: Alert) -> AlertAnswer:
    return AlertAnswer.model_validate(alert.document(datetime.now(UTC)))
