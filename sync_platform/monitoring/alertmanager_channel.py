"""Messages to Prometheus' Alertmanager, in the form of its API v2: `POST /api/v2/alerts`.

What belongs here: that form. Alertmanager knows an alert by its labels and forgets it at `endsAt`, so open alerts are
sent again every hour (`alert_store`). Its silences, groups and routes apply as to alerts of Prometheus.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sync_platform.monitoring.alert_message import Message
from sync_platform.monitoring.webhook_channel import post_document

ALERTMANAGER = "alertmanager"
PATH = "/api/v2/alerts"
LASTS = timedelta(hours=4)
"""How long Alertmanager keeps an open alert that is not sent again."""
ANNOTATIONS = ("effect", "action", "command", "alert_id")


@dataclass(frozen=True)
class AlertmanagerChannel:
    """An Alertmanager. `url`: its address, such as `http://alertmanager:9093`, with or without the path of the API."""

    url: str
    environment: str
    name = ALERTMANAGER

    def send(self, message: Message, now: datetime) -> None:
        address = self.url.rstrip("/").removesuffix(PATH)
        post_document(f"{address}{PATH}", self.alerts_in(message, now), {})

    def alerts_in(self, message: Message, now: datetime) -> list[dict[str, Any]]:
        """The alert of a message; and that of the severity before, as ended, where the severity has changed."""
        content = message.content
        ends_at = content["resolved_at"] or (now + LASTS).isoformat()
        alerts = [self._alert(message, content["severity"], ends_at)]
        if content["previous_severity"] != content["severity"]:
            alerts.append(self._alert(message, content["previous_severity"], now.isoformat()))
        return alerts

    def _alert(self, message: Message, severity: str, ends_at: str) -> dict[str, Any]:
        content = message.content
        return {
            "labels": {
                "alertname": content["name"],
                "severity": severity,
                "environment": self.environment,
                "cause": content["cause"],
                "service": "sync-platform",
            },
            "annotations": {
                "summary": message.title,
                "description": message.text,
                **{name: content[name] for name in ANNOTATIONS},
            },
            "startsAt": content["opened_at"],
            "endsAt": max(ends_at, content["opened_at"]),
        }
