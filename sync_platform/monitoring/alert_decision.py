"""Decisions on an alert: its values when it opens, is found again, escalates or is resolved.

What belongs here: values without the ledger. `alert_store` stores them.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sync_platform.lake.corrected_times import CLOCK_TOLERANCE
from sync_platform.monitoring.alert import Alert, shortened
from sync_platform.monitoring.alert_grouping import ProblemGroup
from sync_platform.monitoring.alert_tables import list_text, stored_subjects
from sync_platform.monitoring.problem import SEVERITIES, Problem, ProblemName, Severity

HOLDS = (timedelta(0), timedelta(hours=1), timedelta(hours=4), timedelta(hours=24))
"""How long a cause must be gone before its alert is resolved, by how often the alert was reopened."""
ESCALATED_AFTER: Mapping[Severity, tuple[timedelta, Severity]] = {
    "medium": (timedelta(hours=48), "high"),
    "high": (timedelta(hours=24), "critical"),
}
"""By the severity of its problem: the age at which an alert that nobody acknowledged becomes more severe."""
BY_ITSELF = "its cause is gone"
TEST = Problem(
    name=ProblemName.delivery_failing,
    detail="",
    what="This is a test of the channels of alerts.",
    effect="None: nothing is wrong.",
    action="Nothing, if you have received it.",
    command=("alerts", "list"),
)
"""What a test message says."""


def worse(one: Severity, other: Severity) -> Severity:
    """The more severe of two."""
    return min(one, other, key=SEVERITIES.index)


def severity_now(problem: Problem, alert: Alert, now: datetime) -> Severity:
    """The severity of an alert whose problem is still there: it rises with age unless acknowledged.

    It falls only where a clock that was ahead had raised it.
    """
    after, escalated = ESCALATED_AFTER.get(problem.severity, (timedelta.max, problem.severity))
    is_escalated = now - alert.opened_at >= after and not alert.acknowledged_at
    known = problem.severity if is_future(alert.last_seen_at, now) else alert.severity
    return worse(known, escalated if is_escalated else problem.severity)


def is_future(at: datetime, now: datetime) -> bool:
    """True for a time that was recorded while a clock was ahead."""
    return at - CLOCK_TOLERANCE > now


def opened_by_now(alert: Alert, now: datetime) -> Alert:
    """The alert; one that a clock that was ahead has opened counts as opened now."""
    return replace(alert, opened_at=now) if is_future(alert.opened_at, now) else alert


def hold_of(alert: Alert) -> timedelta:
    """How long its cause must be gone before the alert is resolved."""
    return HOLDS[min(alert.times_reopened, len(HOLDS) - 1)]


def new_alert(group: ProblemGroup, now: datetime) -> Alert:
    """The alert that opens now for the problems of a cause."""
    problem = group.problem
    return Alert(
        alert_id=f"{now:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}",
        cause=problem.cause,
        severity=problem.severity,
        what=shortened(problem.what),
        effect=shortened(problem.effect),
        action=shortened(problem.action),
        command=problem.command,
        subjects=stored_subjects(problem.subjects),
        subjects_in_all=len(problem.subjects),
        times_seen=group.count,
        times_reopened=0,
        opened_at=now,
        last_seen_at=now,
    )


def seen_again(group: ProblemGroup, alert: Alert) -> dict[str, Any]:
    """What an alert says after its cause was found again: the newest text, and those that are concerned now."""
    problem = group.problem
    texts = {name: shortened(getattr(problem, name)) for name in ("what", "effect", "action")}
    return {
        **texts,
        "command": list_text(problem.command),
        "subjects": list_text(stored_subjects(problem.subjects)),
        "subjects_in_all": len(problem.subjects),
        "times_seen": alert.times_seen + group.count,
    }


def opened_again(alert: Alert) -> dict[str, Any]:
    """The changes that open a resolved alert again."""
    ended = ("resolved_at", "resolved_by", "resolved_because", "acknowledged_at", "acknowledged_by")
    return {"open_as": alert.cause, **dict.fromkeys(ended)}


def resolved_values(now: datetime, actor: str | None, reason: str) -> dict[str, Any]:
    """The changes that resolve an alert. `actor`: the person who does; None where its cause is gone."""
    return {"open_as": None, "resolved_at": now, "resolved_by": actor, "resolved_because": reason}


def problems_of_lost_tables(lost: Collection[str]) -> list[Problem]:
    """The problem that tables of alerts were missing; none where none was."""
    if not lost:
        return []
    return [
        Problem(
            name=ProblemName.ledger_unusable,
            detail="alert tables",
            what=f"The ledger had lost tables of alerts, which are made again, empty: {', '.join(sorted(lost))}.",
            effect="None on the data. Earlier alerts or messages are lost; those about open problems are sent again.",
            action="Find out who dropped the tables. Check the other tables of the ledger, or restore it.",
            command=("alerts", "list", "--all"),
        )
    ]
