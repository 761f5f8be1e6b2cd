"""One round of alerts: the decisions, and the delivery of messages.

What belongs here: also what happens where the ledger cannot be used, so that nothing can be decided or delivered. Then
one message goes to the channels without the outbox, at most every six hours, and one when the ledger works again.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from sync_platform.errors import StorageError
from sync_platform.monitoring.alert import Alert, Event, shortened
from sync_platform.monitoring.alert_channels import channels_of
from sync_platform.monitoring.alert_decision import BY_ITSELF
from sync_platform.monitoring.alert_message import message_about
from sync_platform.monitoring.alert_outbox import Delivery, deliver
from sync_platform.monitoring.alert_store import AlertStore
from sync_platform.monitoring.problem import SEVERITY, Problem, ProblemName
from sync_platform.settings import Settings

REPEATED_EVERY = timedelta(hours=6)
MARK = "ledger_unusable"
"""The file in the home that exists while the ledger cannot be used: since when, and when that was last sent."""
logger = logging.getLogger(__name__)


def decide_and_deliver(
    settings: Settings, store: AlertStore, problems: Iterable[Problem], looked_for: Collection[ProblemName]
) -> Delivery:
    """A round of the store, and the delivery of its messages.

    Raises StorageError where the ledger cannot be used, after a message about it went to the channels.
    """
    mark = settings.home / MARK
    try:
        store.round(problems, looked_for)
        delivery = deliver(settings, store)
    except StorageError as error:
        _tell_unusable(settings, mark, str(error), store.clock())
        raise
    _tell_usable(settings, mark, store.clock())
    return delivery


def _tell_unusable(settings: Settings, mark: Path, reason: str, now: datetime) -> None:
    since, told_at = _read(mark) or (now, None)
    logger.critical("alerts are neither decided nor delivered: %s", reason)
    if told_at is not None and timedelta(0) <= now - told_at < REPEATED_EVERY:
        return
    event: Event = "still-open" if told_at else "opened"
    if _send(settings, _alert(reason, since, now), event, now):
        _write(mark, since, now)


def _tell_usable(settings: Settings, mark: Path, now: datetime) -> None:
    known = _read(mark)
    if known:
        alert = _alert("it works again", known[0], now)
        _send(settings, replace(alert, resolved_at=now, resolved_because=BY_ITSELF), "resolved", now)
        mark.unlink(missing_ok=True)


def _send(settings: Settings, alert: Alert, event: Event, now: datetime) -> bool:
    """Send to every channel once; True if at least one took it."""
    taken = 0
    for channel in channels_of(settings):
        try:
            channel.send(message_about(alert, event, now), now)
            taken += 1
        except Exception as error:  # the other channels must still get the message
            logger.error("a message to %s was not sent: %s", channel.name, error)
    return taken > 0


def _alert(reason: str, since: datetime, now: datetime) -> Alert:
    return Alert(
        alert_id=f"{since:%Y%m%dT%H%M%S}-ledger",
        cause=ProblemName.ledger_unusable.value,
        severity=SEVERITY[ProblemName.ledger_unusable],
        what=shortened(f"The ledger cannot be used: {reason}"),
        effect="No sync, backup or other operation starts, because none can be logged. No other alert is sent.",
        action="Check the database that LEDGER names, its disk and its server. Monitoring goes on when it works.",
        command=("audit",),
        subjects=(),
        subjects_in_all=0,
        times_seen=1,
        times_reopened=0,
        opened_at=since,
        last_seen_at=now,
    )


def _read(mark: Path) -> tuple[datetime, datetime] | None:
    """Since when the ledger cannot be used, and when that was last sent; None where the file says neither."""
    try:
        since, told_at = map(datetime.fromisoformat, mark.read_text().split())
    except (OSError, ValueError):
        return None
    return since, told_at


def _write(mark: Path, since: datetime, told_at: datetime) -> None:
    try:
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.write_text(f"{since.isoformat()} {told_at.isoformat()}\n")
    except OSError as error:  # then the next round sends it again
        logger.error("cannot write %s: %s", mark, error)
