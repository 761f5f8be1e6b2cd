"""The store of emergency requests: tables in the ledger, shared by all processes.

Unique constraints decide which request another one joins, so that processes that ask at the same moment make one
request. Either Dagster's sensor or one process of the command line launches a platform's run: the first that changes
the run's state from `requested`.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import sqlalchemy as sa

from sync_platform.emergency.request import PRIORITIES, Asking, EmergencyRequest, PlatformRun, State
from sync_platform.errors import NotFound, StorageError, UsageError
from sync_platform.lake.syncs import Status
from sync_platform.storage.ledger import MIGRATIONS
from sync_platform.storage.relational import open_database, transaction
from sync_platform.storage.stored_types import StoredTime
from sync_platform.storage.utc_time import in_utc

JOIN_ATTEMPTS = 5

metadata = sa.MetaData()
requests = sa.Table(
    "emergency_requests",
    metadata,
    sa.Column("request_id", sa.Text, primary_key=True),
    sa.Column("platforms", sa.Text, nullable=False),
    sa.Column("open_as", sa.Text, unique=True),  # the platforms while it is open, so that an equal request joins it
    sa.Column("requested_at", StoredTime(), nullable=False),
)
askings = sa.Table(
    "emergency_askings",
    metadata,
    sa.Column("asking_key", sa.Text, primary_key=True),
    sa.Column("request_id", sa.Text, nullable=False),
    sa.Column("requester", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("priority", sa.Text, nullable=False),
    sa.Column("asked_at", StoredTime(), nullable=False),
)
runs = sa.Table(
    "emergency_runs",
    metadata,
    sa.Column("request_id", sa.Text, primary_key=True),
    sa.Column("platform", sa.Text, primary_key=True),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("launched_by", sa.Text),
    sa.Column("run_id", sa.Text),
    sa.Column("outcome", sa.Text),
    sa.Column("error", sa.Text),
    sa.Column("launched_at", StoredTime()),
    sa.Column("finished_at", StoredTime()),
)


class RequestStore:
    """The requests in the ledger at a SQLAlchemy URL. Every method raises StorageError if the ledger cannot be used."""

    def __init__(self, ledger_url: str) -> None:
        self.ledger_url = ledger_url

    @cached_property
    def _engine(self) -> sa.Engine:
        """Opened on first use: a request that is refused creates no ledger."""
        return open_database(self.ledger_url, MIGRATIONS)

    def close(self) -> None:
        """Close the connections; a later call opens them again."""
        if "_engine" in vars(self):
            self._engine.dispose()

    def enter(
        self, platforms: list[str], asking: Asking, asking_key: str, *, joins: bool
    ) -> tuple[EmergencyRequest, bool]:
        """Store an asking. Returns the request that it belongs to, and whether that request existed before.

        An asking with a known key belongs to the request of that key, also if that request has ended. Another asking
        that `joins` belongs to the open request of the same platforms. UsageError for a key that was used for other
        platforms.
        """
        for _ in range(JOIN_ATTEMPTS):
            try:
                return self._enter(platforms, asking, asking_key, joins)
            except sa.exc.IntegrityError:
                continue  # another process was faster: this one joins its request
        raise StorageError("the emergency requests change too fast to add another")

    def _enter(
        self, platforms: list[str], asking: Asking, asking_key: str, joins: bool
    ) -> tuple[EmergencyRequest, bool]:
        listed = ",".join(platforms)
        with transaction(self._engine) as connection:
            known = connection.execute(
                sa.select(requests.c.request_id, requests.c.platforms)
                .join(askings, askings.c.request_id == requests.c.request_id)
                .where(askings.c.asking_key == asking_key)
            ).first()
            if known is not None and known.platforms != listed:
                raise UsageError(f"the key was used before, for {known.platforms}: request {known.request_id}")
            request_id = known.request_id if known is not None else self._open_one(connection, listed, joins)
            is_new = request_id is None
            if request_id is None:
                request_id = _insert_request(connection, platforms, asking.asked_at, listed if joins else None)
            if known is None:
                values = {name: getattr(asking, name) for name in ("requester", "reason", "priority", "asked_at")}
                connection.execute(sa.insert(askings).values(asking_key=asking_key, request_id=request_id, **values))
        return self.find(request_id), not is_new

    def _open_one(self, connection: sa.Connection, platforms: str, joins: bool) -> str | None:
        if not joins:
            return None
        request_id: str | None = connection.execute(
            sa.select(requests.c.request_id)
            .where(requests.c.platforms == platforms, requests.c.request_id.in_(_unfinished()))
            .order_by(requests.c.request_id)
        ).scalar()
        return request_id

    def find(self, request_id: str) -> EmergencyRequest:
        """The request of that id; NotFound where there is none."""
        found_requests = self._read(requests.c.request_id == request_id)
        if not found_requests:
            raise NotFound(f"there is no emergency request {request_id!r}")
        return found_requests[0]

    def was_made_by(self, request_id: str, asking_key: str) -> bool:
        """True if the asking of that key made the request; false if it joined a request that was there."""
        of_request = sa.select(askings.c.asking_key).where(askings.c.request_id == request_id)
        with transaction(self._engine) as connection:
            first = connection.execute(of_request.order_by(askings.c.asked_at).limit(1)).scalar()
        return first == asking_key

    def open_requests(self) -> list[EmergencyRequest]:
        """The requests that have not ended: the most urgent first, of equal priority the oldest first."""
        found_requests = self._read(requests.c.request_id.in_(_unfinished()))
        return sorted(found_requests, key=lambda request: -PRIORITIES.index(request.priority))

    def latest(self, count: int, before: str | None = None) -> list[EmergencyRequest]:
        """The newest requests, newest first; `before`: only those that are older than this one, by its id."""
        newest = sa.select(requests.c.request_id).order_by(requests.c.request_id.desc()).limit(count)
        if before is not None:
            newest = newest.where(requests.c.request_id < before)
        return self._read(requests.c.request_id.in_(newest))[::-1]

    def hand_over(self, request_id: str, platform: str) -> bool:
        """Let Dagster's sensor launch a platform's run. False where it was launched already."""
        return self._take(request_id, platform, launched_by="sensor", run_id=None)

    def claim(self, request_id: str, platform: str, run_id: str) -> bool:
        """Let this process run a platform itself, with that run id. False where it was launched already."""
        return self._take(request_id, platform, launched_by="process", run_id=run_id)

    def _take(self, request_id: str, platform: str, **values: Any) -> bool:
        free = sa.and_(_run(request_id, platform), runs.c.state == "requested")
        taken = {"state": "launched", "launched_at": datetime.now(UTC), **values}
        with transaction(self._engine) as connection:
            return connection.execute(sa.update(runs).where(free).values(**taken)).rowcount == 1

    def give_back(self, request_id: str, platform: str, run_id: str) -> None:
        """Release a claimed run, so that it can be launched again: its process ended before the run did."""
        is_own_run = sa.and_(_run(request_id, platform), runs.c.run_id == run_id, runs.c.state != "finished")
        back = {"state": "requested", "launched_by": None, "run_id": None, "launched_at": None}
        with transaction(self._engine) as connection:
            connection.execute(sa.update(runs).where(is_own_run).values(**back))

    def refuse(self, request_id: str, platform: str, error: str) -> None:
        """Store that a platform cannot be run, unless its run was launched."""
        refused = {"state": "finished", "outcome": "failed", "error": error, "finished_at": datetime.now(UTC)}
        self._end(request_id, _run(request_id, platform) & (runs.c.state == "requested"), refused)

    def note_progress(self, request_id: str, platform: str, run_id: str, state: State) -> None:
        """Store the state of a platform's run; nothing where the run was released meanwhile."""
        with transaction(self._engine) as connection:
            change = sa.update(runs).where(_unfinished_run(request_id, platform, run_id))
            connection.execute(change.values(state=state, run_id=run_id))

    def note_end(
        self, request_id: str, platform: str, run_id: str | None, outcome: Status, error: str | None = None
    ) -> None:
        """Store how a platform's run ended. A request ends with its last platform.

        A second end is ignored, and so is the end of a run that was released meanwhile: another one is launched for it.
        """
        ended = {"state": "finished", "outcome": outcome, "error": error, "finished_at": datetime.now(UTC)}
        self._end(request_id, _unfinished_run(request_id, platform, run_id), {"run_id": run_id, **ended})

    def _end(self, request_id: str, run: sa.ColumnElement[bool], ended: dict[str, Any]) -> None:
        with transaction(self._engine) as connection:
            # two runs that end together must see each other, or neither would close the request
            connection.execute(sa.select(requests).where(requests.c.request_id == request_id).with_for_update())
            connection.execute(sa.update(runs).where(run).values(**ended))
            over = sa.and_(requests.c.request_id == request_id, requests.c.request_id.not_in(_unfinished()))
            connection.execute(sa.update(requests).where(over).values(open_as=None))

    def _read(self, condition: sa.ColumnElement[bool]) -> list[EmergencyRequest]:
        """The requests that meet a condition, oldest first."""
        wanted = sa.select(requests.c.request_id).where(condition)
        with transaction(self._engine) as connection:
            rows = connection.execute(sa.select(requests).where(condition).order_by(requests.c.request_id)).all()
            asked = connection.execute(
                sa.select(askings).where(askings.c.request_id.in_(wanted)).order_by(askings.c.asked_at)
            ).all()
            parts = connection.execute(
                sa.select(runs).where(runs.c.request_id.in_(wanted)).order_by(runs.c.position)
            ).all()
        return [
            EmergencyRequest(
                row.request_id,
                in_utc(row.requested_at),
                tuple(_asking(each) for each in _of(asked, row.request_id)),
                tuple(_platform_run(each) for each in _of(parts, row.request_id)),
            )
            for row in rows
        ]


def _insert_request(
    connection: sa.Connection, platforms: list[str], requested_at: datetime, open_as: str | None
) -> str:
    """Insert a new request with a run of each platform. Returns its id."""
    request_id = _new_id(requested_at)
    values = {"request_id": request_id, "platforms": ",".join(platforms), "requested_at": requested_at}
    connection.execute(sa.insert(requests).values(**values, open_as=open_as))
    rows = [
        {"request_id": request_id, "platform": platform, "position": position, "state": "requested"}
        for position, platform in enumerate(platforms)
    ]
    connection.execute(sa.insert(runs), rows)
    return request_id


def _new_id(now: datetime) -> str:
    """An id that sorts by time and is short enough to read aloud: `20261124T083000-1f3a9c`."""
    return f"{now:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"


def _unfinished() -> sa.Select[tuple[str]]:
    return sa.select(runs.c.request_id).where(runs.c.state != "finished")


def _run(request_id: str, platform: str) -> sa.ColumnElement[bool]:
    return sa.and_(runs.c.request_id == request_id, runs.c.platform == platform)


def _unfinished_run(request_id: str, platform: str, run_id: str | None) -> sa.ColumnElement[bool]:
    """The run of a platform, if it has not ended, and if no other process has claimed it."""
    is_same = runs.c.launched_by.is_distinct_from("process") | (runs.c.run_id == run_id)
    return sa.and_(_run(request_id, platform), runs.c.state != "finished", is_same)


def _of(rows: Iterable[Any], request_id: str) -> Iterable[Any]:
    return (row for row in rows if row.request_id == request_id)


def _asking(row: Any) -> Asking:
    return Asking(row.requester, row.reason, row.priority, in_utc(row.asked_at))


def _platform_run(row: Any) -> PlatformRun:
    launched_at, finished_at = (moment and in_utc(moment) for moment in (row.launched_at, row.finished_at))
    return PlatformRun(
        row.platform, row.state, row.launched_by, row.run_id, row.outcome, row.error, launched_at, finished_at
    )
