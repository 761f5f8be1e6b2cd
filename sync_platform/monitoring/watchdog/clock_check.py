"""Compares the clock of this machine with every other clock that can be read.

What belongs here: the clocks that it is compared with. A server of PostgreSQL or S3 shows its own time, and so does a
file system in the network. Without any of them only records of the future show that the clock was ahead, or is behind.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from sync_platform.documents.local_time import local_time
from sync_platform.lake.corrected_times import CLOCK_TOLERANCE, duration_in_words
from sync_platform.monitoring.problem import Problem, ProblemName
from sync_platform.monitoring.watch_heartbeat import heartbeat_file
from sync_platform.settings import Settings
from sync_platform.sources.server_time import server_time

MAX_DIFFERENCE = timedelta(minutes=2)
"""Leases between machines last for five minutes, and S3 refuses requests that differ by fifteen."""
ANSWER_WITHIN_S = 5.0


@dataclass(frozen=True)
class OtherClock:
    """Another clock, and by how much ours is ahead of it; negative if ours is behind."""

    name: str
    ahead: timedelta


def clock_problems(clocks: Sequence[OtherClock], recorded: Mapping[str, datetime], now: datetime) -> Iterator[Problem]:
    """At most one problem. `recorded`: the newest time of each kind of record."""
    differences = [
        f"it is {duration_in_words(abs(clock.ahead))} {'ahead of' if clock.ahead > timedelta() else 'behind'} that of "
        f"{clock.name}"
        for clock in clocks
        if abs(clock.ahead) > MAX_DIFFERENCE
    ]
    differences += [
        f"{name} has the time {local_time(at)}, which is still to come"
        for name, at in recorded.items()
        if at > now + CLOCK_TOLERANCE
    ]
    if differences:
        yield Problem(
            ProblemName.clock_wrong,
            "",
            f"The clock of this machine ({local_time(now)}) is or was wrong: {'; '.join(differences)}.",
            "Syncs count as late or as too new, leases end too early or too late, and freshness is not known. The next "
            "sync with a right clock corrects the times of syncs.",
            "Compare the clock with a watch, and turn on the synchronisation of the system's time (NTP).",
            ("freshness",),
        )


def other_clocks(settings: Settings) -> Iterator[OtherClock]:
    """The clocks of the installation's servers. One that does not answer is left out: its own alert says so."""
    for name, url in (("the ledger's server", settings.ledger_url), ("the catalog's server", settings.catalog_url)):
        if url.startswith("postgres") and (clock := _postgres_clock(name, url)):
            yield clock
            break
    if settings.landing_url.startswith("s3://") or settings.lake_data_url.startswith("s3://"):
        endpoint = settings.aws_endpoint_url or f"https://s3.{settings.aws_region}.amazonaws.com"
        if clock := _http_clock("the S3 server", endpoint):
            yield clock
    yield _file_clock(heartbeat_file(settings.home).with_name(".clock"))


def _file_clock(file: Path) -> OtherClock:
    """The clock of a file system, which gives a time to a file that we write."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{datetime.now(UTC).isoformat()}\n")
    ahead = time.time() - file.stat().st_mtime
    return OtherClock(f"the file system of {file.parent}", timedelta(seconds=ahead))


def _postgres_clock(name: str, url: str) -> OtherClock | None:
    import psycopg

    address = url.removeprefix("postgres:") if url.startswith("postgres:") else _plain(url)
    try:
        with psycopg.connect(address, connect_timeout=int(ANSWER_WITHIN_S)) as connection:
            rows = connection.execute("SELECT clock_timestamp()").fetchall()
    except psycopg.Error:
        return None
    return OtherClock(name, datetime.now(UTC) - rows[0][0])


def _plain(url: str) -> str:
    return sa.make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def _http_clock(name: str, address: str) -> OtherClock | None:
    """The clock of a server that answers, whatever it answers."""
    import httpx

    try:
        answer = httpx.head(address, timeout=ANSWER_WITHIN_S)
    except (httpx.HTTPError, OSError):
        return None
    moment = server_time(answer.headers)
    return OtherClock(name, datetime.now(UTC) - moment) if moment else None
