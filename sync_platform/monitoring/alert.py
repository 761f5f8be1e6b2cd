"""An alert: one cause of problems while it lasts, and the text that is sent about it.

What belongs here: what an alert says. `alert_store` decides when it opens, escalates and is resolved.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from sync_platform.documents.local_time import local_time
from sync_platform.documents.typed_command import named_command
from sync_platform.documents.wording import visible
from sync_platform.lake.corrected_times import CLOCK_TOLERANCE
from sync_platform.monitoring.problem import Severity

Event = Literal["opened", "reopened", "escalated", "still-open", "resolved", "test"]
"""What a message is about. `still-open`: a silence has ended and the cause is still there."""
AlertState = Literal["open", "acknowledged", "silenced", "resolved"]
SILENCE = ("silenced_at", "silenced_until", "silenced_by", "silenced_because")
"""The values of a silence."""
MOST_SUBJECTS = 8
"""The most subjects that a message names."""
LONGEST = 500
"""The most characters of each part of a text, because what sources say can be long."""


@dataclass(frozen=True)
class Alert:
    """An alert as stored. Times are UTC.

    `command`: the words of a command that shows more, without the name of the program. `subjects`: the first of those
    concerned when its cause was last seen; `subjects_in_all`: how many there were. `times_seen`: how many problems
    rounds found. `times_reopened`: how often its cause returned within a day. `gone_at`: since when rounds do not find
    its cause.
    """

    alert_id: str
    cause: str
    severity: Severity
    what: str
    effect: str
    action: str
    command: tuple[str, ...]
    subjects: tuple[str, ...]
    subjects_in_all: int
    times_seen: int
    times_reopened: int
    opened_at: datetime
    last_seen_at: datetime
    gone_at: datetime | None = None
    resolved_at: datetime | None = None
    resolved_by: str | None = None
    resolved_because: str | None = None
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    silenced_at: datetime | None = None
    silenced_until: datetime | None = None
    silenced_by: str | None = None
    silenced_because: str | None = None

    @property
    def name(self) -> str:
        """The name of its problem."""
        return self.cause.partition(":")[0]

    @property
    def detail(self) -> str:
        """What tells it apart from other alerts of the same name."""
        return self.cause.partition(":")[2]

    @property
    def is_open(self) -> bool:
        return self.resolved_at is None

    @property
    def has_silence_ended(self) -> bool:
        """True if its cause was found since its silence ended."""
        return self.silenced_until is not None and self.last_seen_at >= self.silenced_until

    def is_silenced(self, now: datetime) -> bool:
        """A silence that begins in the future was made while a clock was ahead, and does not count."""
        if self.silenced_at is None or self.silenced_until is None:
            return False
        return self.silenced_at - CLOCK_TOLERANCE <= now < self.silenced_until

    def state(self, now: datetime) -> AlertState:
        if not self.is_open:
            return "resolved"
        if self.is_silenced(now):
            return "silenced"
        return "acknowledged" if self.acknowledged_at else "open"

    def document(self, now: datetime) -> dict[str, Any]:
        """The alert for programs; an open one without a silence that is over."""
        silence = {} if self.is_silenced(now) or not self.is_open else dict.fromkeys(SILENCE)
        return {
            **asdict(self),
            **silence,
            "name": self.name,
            "state": self.state(now),
            "command": named_command(*self.command),
            "subjects": list(self.subjects),
        }


def title_of(alert: Alert, event: Event) -> str:
    """One line: the severity, the event and what is wrong."""
    return f"{alert.severity.upper()} {event.replace('-', ' ')}: {shortened(alert.what)}"


def text_of_alert(alert: Alert, event: Event) -> str:
    """The text that is sent: what, since when, the effect on the data, what to do, and the command."""
    lines = [title_of(alert, event)]
    if alert.subjects:
        lines.append(f"Concerns: {subjects_in_words(alert.subjects, alert.subjects_in_all)}")
    lines.append(f"Since: {local_time(alert.opened_at)}")
    if alert.resolved_at:
        lines.append(f"Until: {local_time(alert.resolved_at)} ({shortened(alert.resolved_because or '')})")
    lines += [
        f"Effect: {shortened(alert.effect)}",
        f"What to do: {shortened(alert.action)}",
        f"Command: {shortened(named_command(*alert.command))}",
        f"Alert: {alert.alert_id}, problem {alert.name}",
    ]
    return "\n".join(lines) + "\n"


def subjects_in_words(subjects: Sequence[str], count: int) -> str:
    """The first subjects, and how many more there are of `count`."""
    named = [shortened(subject) for subject in subjects[:MOST_SUBJECTS]]
    more = [f"and {count - len(named):,} more"] if count > len(named) else []
    return ", ".join([*named, *more])


def shortened(text: str) -> str:
    """The text as one line of at most LONGEST characters, with invisible characters spelt out."""
    known = visible(text[:LONGEST].strip())
    return known if len(known) <= LONGEST and len(text) <= LONGEST else f"{known[: LONGEST - 1]}…"
