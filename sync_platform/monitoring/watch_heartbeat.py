"""The heartbeat of the watch: a file that every round writes whose alerts are decided and sent.

What belongs here: the file, and what a round must know of the one before it. A program that supervises
the watch reads the file's age; CloudWatch and Prometheus get it as the metric WatchHeartbeat.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson

from sync_platform.storage.process_files import draft_of, remove_left_drafts

FILE = Path("watch", "heartbeat.json")
ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)
RECENT = timedelta(minutes=10)
"""An older heartbeat says nothing of what happened between two rounds."""


@dataclass(frozen=True)
class Heartbeat:
    """What a round left. `problems`: how many it found. `is_complete`: whether it could look at everything.

    `daemon_alive_since`: since when Dagster's daemon is known to live; None: it is silent. `suspended_s`: how long the
    machine slept since it was started.
    """

    at: datetime
    problems: int
    is_complete: bool
    daemon_alive_since: datetime | None
    suspended_s: float


def heartbeat_file(home: Path) -> Path:
    return home / FILE


def read_heartbeat(home: Path) -> Heartbeat | None:
    """The heartbeat of the last round; None where there is none that can be read."""
    try:
        document = orjson.loads(heartbeat_file(home).read_bytes())
        alive_since = document["daemon_alive_since"]
        return Heartbeat(
            datetime.fromisoformat(document["at"]),
            int(document["problems"]),
            bool(document["is_complete"]),
            datetime.fromisoformat(alive_since) if alive_since else None,
            float(document["suspended_s"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_heartbeat(home: Path, heartbeat: Heartbeat) -> None:
    """Replace the file as a whole; OSError where it cannot be written."""
    file = heartbeat_file(home)
    file.parent.mkdir(parents=True, exist_ok=True)
    remove_left_drafts(file)
    with draft_of(file) as (draft, unfinished):
        unfinished.write(orjson.dumps(asdict(heartbeat), option=orjson.OPT_APPEND_NEWLINE))
        unfinished.flush()
        draft.replace(file)


def alive_since(previous: Heartbeat | None, *, is_alive: bool, now: datetime) -> datetime | None:
    """Since when the daemon lives, as rounds have seen it; ALWAYS where no recent round has seen it silent."""
    if not is_alive:
        return None
    if previous is None or now - previous.at > RECENT:
        return ALWAYS
    return previous.daemon_alive_since or now


def slept_since(previous: Heartbeat | None) -> timedelta:
    """How long the machine slept since the last round: in that time no daemon and no run could do anything."""
    if previous is None:
        return timedelta()
    asleep = suspended_s()
    is_same_start = asleep >= previous.suspended_s
    return timedelta(seconds=asleep - previous.suspended_s if is_same_start else asleep)


def suspended_s() -> float:
    """How long the machine slept since it was started, in seconds; 0 where the system does not say."""
    if not hasattr(time, "CLOCK_BOOTTIME"):
        return 0.0
    return max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - time.clock_gettime(time.CLOCK_MONOTONIC))
