"""Messages without the outbox: what is sent when the ledger itself cannot be used, so that no alert can be kept.

What belongs here: that message, at most once an hour, because nothing else limits it.
"""

from __future__ import annotations

import logging
import time
from datetime import datetime
from pathlib import Path

from sync_platform.errors import SyncError
from sync_platform.monitoring.alert import Alert
from sync_platform.monitoring.alert_channels import channels_of
from sync_platform.monitoring.alert_message import message_about
from sync_platform.monitoring.problem import Problem, ProblemName
from sync_platform.settings import Settings

SENT_EVERY_S = 3600.0
SENT_FILE = Path("watch", "ledger_unusable")
"""Its age is that of the last message."""
logger = logging.getLogger(__name__)


def ledger_problem(reason: str) -> Problem:
    """The problem that rounds cannot decide on alerts."""
    return Problem(
        ProblemName.ledger_unusable,
        "",
        f"The ledger cannot be used, so no alert is kept or sent: {reason}",
        "No operation that must be logged starts, so nothing is synced, backed up or restored. Stored data are intact.",
        "Repair the ledger or its server. This message is repeated each hour, and other alerts follow when it works.",
        ("audit",),
    )


def send_directly(settings: Settings, problem: Problem, now: datetime) -> bool:
    """Send one message to every channel, unless that was done within an hour; True if any channel took it."""
    file = settings.home / SENT_FILE
    if file.exists() and 0 <= time.time() - file.stat().st_mtime < SENT_EVERY_S:
        return False
    message = message_about(_unkept_alert(problem, now), "opened", now)
    taken = []
    for channel in channels_of(settings):
        try:
            channel.send(message, now)
            taken.append(channel.name)
        except SyncError as error:
            logger.error("a message to %s was not sent: %s", channel.name, error)
    if taken:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    return bool(taken)


def end_direct_messages(home: Path) -> None:
    """The ledger works again: the next time that it does not, a message is sent at once."""
    (home / SENT_FILE).unlink(missing_ok=True)


def _unkept_alert(problem: Problem, now: datetime) -> Alert:
    return Alert(
        alert_id=f"{now:%Y%m%dT%H%M%S}-unkept",
        cause=problem.cause,
        severity=problem.severity,
        what=problem.what,
        effect=problem.effect,
        action=problem.action,
        command=problem.command,
        subjects=(),
        subjects_in_all=0,
        times_seen=1,
        times_reopened=0,
        opened_at=now,
        last_seen_at=now,
    )
