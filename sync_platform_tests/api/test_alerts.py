"""Alerts over the API: listed, and acknowledged in the name of who asks."""

from __future__ import annotations

import pytest

from sync_platform.api_client import RequestFailed
from sync_platform.monitoring.alert_store import AlertStore
from sync_platform.monitoring.problem import Problem, ProblemName
from sync_platform.storage.audit_log import AuditLog
from sync_platform_tests.api.served import Served

DISK = Problem(ProblemName.disk_full, "", "the disk is nearly full", "syncs stop", "free some space", ("status",))


def test_an_alert_is_acknowledged_in_the_name_of_who_asks(own_home: Served) -> None:
    AlertStore(own_home.context.settings.ledger_url, []).round([DISK], [DISK.name])
    client = own_home.client("operator")
    (alert,) = client.alerts()
    assert (alert.state, alert.severity, alert.what) == ("open", "critical", "the disk is nearly full")
    health = client.health()
    assert (health.active_alerts, health.critical_alerts) == (1, 1)
    changed = client.acknowledge(alert.alert_id)
    assert (changed.state, changed.acknowledged_by) == ("acknowledged", "a operator")
    *_, entry = AuditLog(own_home.context.settings.ledger_url).entries(operation="alert-ack")
    assert (entry.actor, entry.via, entry.outcome) == ("a operator", "api", "complete")
    with pytest.raises(RequestFailed, match="change-alerts is not allowed"):
        own_home.client("viewer").acknowledge(alert.alert_id)


def test_a_resolved_alert_cannot_be_acknowledged(own_home: Served) -> None:
    store = AlertStore(own_home.context.settings.ledger_url, [])
    store.round([DISK], [DISK.name])
    (alert,) = store.open_alerts()
    store.resolve(alert.alert_id, "somebody", "done")
    client = own_home.client("operator")
    assert client.alerts() == []
    assert [each.state for each in client.alerts(every=True)] == ["resolved"]
    with pytest.raises(RequestFailed) as refused:
        client.acknowledge(alert.alert_id)
    assert (refused.value.status, refused.value.code) == (409, "already_resolved")
