"""`sync-platform alerts ack|silence|resolve`: what a person does with an alert.

Each is an operation in the audit log.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from sync_platform.cli.audited import audited
from sync_platform.cli.exit_codes import OK
from sync_platform.cli.monitoring.alerts_show import existing_store
from sync_platform.cli.output import console, write_json
from sync_platform.documents.local_time import local_minute
from sync_platform.errors import UsageError
from sync_platform.monitoring.alert import Alert
from sync_platform.monitoring.alert_outbox import deliver
from sync_platform.monitoring.alert_store import AlertStore
from sync_platform.monitoring.problem import ProblemName
from sync_platform.settings import load_settings
from sync_platform.storage.audit_log import system_user
from sync_platform.storage.operation_name import OperationName

UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
LONGEST_SILENCE = timedelta(days=30)
Change = Callable[[AlertStore, str], Alert]
"""Changes an alert in the store, in the name of a person."""


def acknowledge(alert_id: str, *, as_json: bool) -> int:
    """Acknowledge an alert; 0."""
    alert = _change(OperationName.acknowledge_alert, alert_id, {}, lambda store, who: store.acknowledge(alert_id, who))
    return _show(alert, f"alert {alert_id} is acknowledged: it is not escalated any more", as_json=as_json)


def silence(alert_id: str, duration: str, reason: str, *, as_json: bool) -> int:
    """Silence an alert; 0. UsageError for a time that cannot be read, or without a reason."""
    length, why = parse_duration(duration), reason.strip()
    if not why:
        raise UsageError("--reason is empty: say why no message is needed")
    subject = {"for": duration, "reason": why}
    alert = _change(
        OperationName.silence_alert, alert_id, subject, lambda store, who: store.silence(alert_id, length, who, why)
    )
    until = local_minute(alert.silenced_until) if alert.silenced_until else ""
    return _show(alert, f"alert {alert_id} is silenced until {until}", as_json=as_json)


def resolve(alert_id: str, reason: str, *, is_expected: bool, as_json: bool) -> int:
    """Resolve an alert, and send the message about it; 0."""
    settings = load_settings()
    store = existing_store(settings, alert_id)
    if is_expected and store.find_open(alert_id).name != ProblemName.anomaly:
        raise UsageError(f"--expected is for anomalies: alert {alert_id} is about {store.find(alert_id).name}")
    why = reason.strip() or ("the new level is expected" if is_expected else "resolved by a person")
    alert = _change(
        OperationName.resolve_alert,
        alert_id,
        {"reason": why, "expected": is_expected},
        lambda store, who: store.resolve(alert_id, who, why, is_expected=is_expected),
    )
    deliver(settings, store)
    after = (
        "from now on its level is the usual one"
        if is_expected
        else "the next round opens it again if its cause is there"
    )
    return _show(alert, f"alert {alert_id} is resolved: {after}", as_json=as_json)


def parse_duration(text: str) -> timedelta:
    """The length of a silence, such as 30m, 2h, 3d or 1w; UsageError for anything else."""
    match = re.fullmatch(r"([1-9]\d{0,5})([mhdw])", text.strip())
    if not match:
        raise UsageError(f"--for {text!r} is no time such as 30m, 2h, 3d or 1w")
    length = timedelta(**{UNITS[match[2]]: int(match[1])})
    if length > LONGEST_SILENCE:
        raise UsageError(f"--for {text}: a silence lasts at most {LONGEST_SILENCE.days} days")
    return length


def _change(operation: OperationName, alert_id: str, subject: dict[str, Any], change: Change) -> Alert:
    """The alert after a change. An alert that is not open is refused before anything is logged."""
    settings = load_settings()
    store = existing_store(settings, alert_id)
    alert = store.find_open(alert_id)
    about = {"alert": alert_id, "cause": alert.cause, **subject}
    with audited(settings, operation, about) as under_way:
        changed = change(store, settings.sync_actor or system_user())
        under_way.ended("complete")
    return changed


def _show(alert: Alert, text: str, *, as_json: bool) -> int:
    if as_json:
        write_json({"alert": alert.document(datetime.now(UTC))})
    else:
        console().print(text, soft_wrap=True)
    return OK
