"""One round: look at all problem sources once, decide on alerts, send messages, and leave a heartbeat.

What belongs here: the order of these steps, and what each failure means. No step that hangs or fails stops the round:
what cannot be looked at is a problem itself, and alerts about it stay as they are.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import partial
from typing import Any

from sync_platform.errors import SyncError
from sync_platform.monitoring.alert_channels import channel_names
from sync_platform.monitoring.alert_outbox import Delivery, delivery_problems
from sync_platform.monitoring.alert_round import decide_and_deliver
from sync_platform.monitoring.alert_store import AlertStore, open_alerts, utc_now
from sync_platform.monitoring.anomaly_source import anomaly_source
from sync_platform.monitoring.bounded_calls import BoundedCalls
from sync_platform.monitoring.health_report import health_of
from sync_platform.monitoring.installation_state import InstallationState, UnreadPart, WaitingRun, read_state
from sync_platform.monitoring.metric_publication import publish_metrics
from sync_platform.monitoring.metric_samples import samples_of
from sync_platform.monitoring.problem import Problem, ProblemName, ProblemSource
from sync_platform.monitoring.recorded_problems import recorded_sources
from sync_platform.monitoring.watch_heartbeat import (
    Heartbeat,
    alive_since,
    read_heartbeat,
    slept_since,
    suspended_s,
    write_heartbeat,
)
from sync_platform.monitoring.watchdog.daemon_silence import is_silent
from sync_platform.monitoring.watchdog.dagster_state import DagsterState
from sync_platform.monitoring.watchdog.watchdog_sources import WatchedInstallation, watchdog_sources
from sync_platform.platforms import load_platforms, platforms_in_use
from sync_platform.settings import Settings


def sources_of_records(watched: WatchedInstallation) -> Sequence[ProblemSource]:
    """The sources that look at what syncs, checks, backups and verifications have recorded."""
    platforms = load_platforms(watched.settings.platform_path)
    return recorded_sources(watched.settings, platforms, watched.state, watched.now)


def sources_of_anomalies(watched: WatchedInstallation) -> Sequence[ProblemSource]:
    """The source that compares the newest syncs with their own history."""
    platforms = platforms_in_use(load_platforms(watched.settings.platform_path), watched.settings)
    return [anomaly_source(watched.settings, platforms, watched.state, watched.now)]


SOURCES: tuple[Callable[[WatchedInstallation], Sequence[ProblemSource]], ...] = (
    watchdog_sources,
    sources_of_records,
    sources_of_anomalies,
)
"""All problem sources of a round, in groups."""
UNUSABLE = (ProblemName.lake_unusable, ProblemName.ledger_unusable)
LOOKED_WITHIN_S = 60.0
"""How long all sources may take together before each has only a second."""
DECIDED_WITHIN_S = 180.0
"""SQLite waits for a locked ledger for 60 seconds before it fails, and each channel takes up to 30."""
PUBLISHED_WITHIN_S = 60.0
ReadDagster = Callable[[datetime], DagsterState | None]


@dataclass(frozen=True)
class WatchRound:
    """What a round found and did.

    `unread`: for each source that could not be looked at, why. `delivery`: what was sent; None where nothing could be
    decided. `faults`: why alerts were not decided, the heartbeat not written, or metrics not published; in sentences.
    """

    at: datetime
    problems: Sequence[Problem]
    unread: Sequence[str]
    delivery: Delivery | None
    faults: Sequence[str]

    @property
    def is_complete(self) -> bool:
        """True if everything was looked at, decided and handed to the channels."""
        return not self.unread and not self.faults


def watch_once(
    settings: Settings, read_dagster: ReadDagster, calls: BoundedCalls, clock: Callable[[], datetime] = utc_now
) -> WatchRound:
    """One round. `read_dagster`: what Dagster has recorded, at a time; None where Dagster was never used."""
    now, previous = clock(), read_heartbeat(settings.home)
    watched = _read(settings, read_dagster, calls, previous, now)
    store = AlertStore(settings.ledger_url, channel_names(settings), clock)
    try:
        return _decide(watched, store, calls)
    finally:
        _close(store)


def _decide(watched: WatchedInstallation, store: AlertStore, calls: BoundedCalls) -> WatchRound:
    look = _ProblemSearch(calls)
    for group in SOURCES:
        look.at_group(group, watched)
    look.at(ProblemSource(frozenset({ProblemName.delivery_failing}), lambda: delivery_problems(store)))
    problems, delivery = look.found(watched.state), None
    faults: list[str] = []
    try:
        decide = partial(decide_and_deliver, watched.settings, store, problems, look.names)
        delivery = calls.run("the ledger", decide, DECIDED_WITHIN_S)
        arrives = _does_any_channel_work(store)
        if arrives:
            _leave_heartbeat(watched, len(problems), is_complete=not look.unread)
        publish = partial(_publish, watched, store, has_heartbeat=arrives)
        faults += calls.run("the places of metrics", publish, PUBLISHED_WITHIN_S)
    except Exception as error:  # whatever it is, the round must end and say so
        faults.append(_reason(error))
    return WatchRound(watched.now, problems, look.unread, delivery, faults)


class _ProblemSearch:
    """What was found so far. `names`: the problems that were looked for everywhere."""

    def __init__(self, calls: BoundedCalls) -> None:
        self._calls, self._until = calls, time.monotonic() + LOOKED_WITHIN_S
        self._problems: list[Problem] = []
        self._looked: set[ProblemName] = {ProblemName.watch_incomplete}
        self._missed: set[ProblemName] = set()
        self._unread: list[tuple[str, str]] = []

    def at_group(
        self, group: Callable[[WatchedInstallation], Sequence[ProblemSource]], watched: WatchedInstallation
    ) -> None:
        try:
            sources = self._calls.run(group.__name__, lambda: group(watched), self._limit_s)
        except Exception as error:
            self._unread.append((group.__name__, _reason(error)))
            return
        for source in sources:
            self.at(source)

    def at(self, source: ProblemSource) -> None:
        names = ", ".join(sorted(source.names))
        try:
            self._problems += self._calls.run(names, lambda: list(source.look()), self._limit_s)
            self._looked |= source.names
        except Exception as error:  # an error of one source must not hide what the others find
            self._missed |= source.names
            self._unread.append((names, _reason(error)))

    @property
    def _limit_s(self) -> float:
        """How long the next source may take: once the time is over, each has only one more second."""
        return min(self._calls.limit_s, max(1.0, self._until - time.monotonic()))

    @property
    def names(self) -> set[ProblemName]:
        return self._looked - self._missed

    @property
    def unread(self) -> list[str]:
        """What could not be looked for, and why."""
        return [f"{names}: {reason}" for names, reason in self._unread]

    def found(self, state: InstallationState) -> list[Problem]:
        """All problems. A source that only lacks an unusable lake or ledger adds none: that problem says it already."""
        explained: set[str] = set()
        if any(problem.name in UNUSABLE for problem in self._problems):
            explained = {part.reason for part in vars(state).values() if isinstance(part, UnreadPart)}
        unexplained = [
            f"{names}: {reason}" for names, reason in self._unread if not any(map(reason.endswith, explained))
        ]
        return [*self._problems, *([_incomplete(unexplained)] if unexplained else [])]


def _incomplete(unread: Sequence[str]) -> Problem:
    return Problem(
        ProblemName.watch_incomplete,
        "",
        f"A round of the watch could not look for everything. {'. '.join(unread)}",
        "None on the data. Alerts of these kinds stay as they are, and new problems of these kinds are not noticed.",
        "Remove the reason. `watch --once` shows whether the next round is complete.",
        ("watch", "--once"),
    )


def _read(
    settings: Settings, read_dagster: ReadDagster, calls: BoundedCalls, previous: Heartbeat | None, now: datetime
) -> WatchedInstallation:
    """What the sources look at, read once."""
    dagster = _known(calls, "Dagster's records", lambda: read_dagster(now))
    state: InstallationState | UnreadPart = _known(
        calls,
        "the installation",
        lambda: read_state(settings, lambda: _waiting(dagster), lambda own: open_alerts(own.ledger_url), now),
    )
    if isinstance(state, UnreadPart):
        state = InstallationState(**{field.name: state for field in fields(InstallationState)})
    slept = slept_since(previous)
    lives = isinstance(dagster, DagsterState) and not is_silent(dagster, now - slept)
    return WatchedInstallation(
        settings, state, dagster, previous, alive_since(previous, is_alive=lives, now=now), slept, now
    )


def _known(calls: BoundedCalls, name: str, read: Callable[[], Any]) -> Any:
    try:
        return calls.run(name, read)
    except Exception as error:
        return UnreadPart(f"{name}: {_reason(error)}")


def _waiting(dagster: DagsterState | UnreadPart | None) -> list[WaitingRun]:
    unfinished = dagster.unfinished if isinstance(dagster, DagsterState) else []
    return [
        WaitingRun(run.run_id, run.job, run.platform, run.since)
        for run in unfinished
        if run.phase in ("queued", "starting") and not run.is_of_backfill
    ]


def _does_any_channel_work(store: AlertStore) -> bool:
    """False if no channel takes messages: then there is no heartbeat, and those who watch the watch notice it."""
    failing = {problem.detail for problem in delivery_problems(store)}
    return not failing >= set(store.channels)


def _leave_heartbeat(watched: WatchedInstallation, problems: int, *, is_complete: bool) -> None:
    heartbeat = Heartbeat(watched.now, problems, is_complete, watched.alive_since, suspended_s())
    write_heartbeat(watched.settings.home, heartbeat)


def _publish(watched: WatchedInstallation, store: AlertStore, *, has_heartbeat: bool) -> list[str]:
    """Publish the metrics of the round; why that failed in a place, in sentences."""
    settings, now = watched.settings, watched.now
    platforms = load_platforms(settings.platform_path)
    health = health_of(settings, platforms, watched.state, now)
    alerts = Counter(alert.severity for alert in store.open_alerts())
    samples = samples_of(watched.state, platforms, health, now, alerts)
    published = publish_metrics(settings, samples, now, has_heartbeat=has_heartbeat)
    return [f"metrics were not published to {place}: {reason}" for place, reason in published.problems.items()]


def _close(store: AlertStore) -> None:
    """Close the connections of a store, which it opens on first use."""
    if "engine" in vars(store):
        store.engine.dispose()


def _reason(error: BaseException) -> str:
    """The first line of an error; with its class where this program does not raise it."""
    text = (str(error).strip().splitlines() or [""])[0]
    return text if isinstance(error, SyncError | TimeoutError) and text else f"{type(error).__name__}: {text}"
