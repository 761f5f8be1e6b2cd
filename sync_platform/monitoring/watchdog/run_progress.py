"""Whether Dagster's runs proceed: stuck, dead, waiting too long, never started, or failed.

What belongs here: when a run is a problem.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

from sync_platform.documents.local_time import local_minute
from sync_platform.lake.corrected_times import duration_in_words
from sync_platform.monitoring.installation_health import USUAL_WAIT
from sync_platform.monitoring.problem import Problem, ProblemName
from sync_platform.monitoring.watchdog.dagster_state import FailedRun, UnfinishedRun

LEAST_SILENCE = timedelta(minutes=30)
"""A platform may ask for a pause of 15 minutes, and a retry waits for ten."""
TIMES_USUAL = 2
SILENCE_WITHOUT_HISTORY = timedelta(hours=3)
DEAD_AFTER = timedelta(minutes=2)
"""Where the daemon runs, it ends a dead run within a minute."""
CANCELING_AFTER = timedelta(minutes=10)
STARTED_WITHIN = timedelta(minutes=10)
MAX_NAMED = 3


def progress_problems(unfinished: Sequence[UnfinishedRun], now: datetime) -> Iterator[Problem]:
    """The problems of runs that have not ended."""
    yield from _per_job(unfinished, lambda run: is_dead_too_long(run, now), _dead)
    yield from _per_job(unfinished, lambda run: is_stuck(run, now), _stuck)
    yield from _per_job(unfinished, lambda run: _is_canceling_too_long(run, now), _canceling)
    yield from _waiting([run for run in unfinished if _is_queued_too_long(run, now)])
    yield from _never_started([run for run in unfinished if _is_never_started(run, now)])


def failed_problems(failed: Sequence[FailedRun]) -> Iterator[Problem]:
    """One problem per job."""
    for job in dict.fromkeys(run.job for run in failed):
        yield _failed([run for run in failed if run.job == job])


def is_dead_too_long(run: UnfinishedRun, now: datetime) -> bool:
    return run.is_process_dead and now - run.last_event_at > DEAD_AFTER


def is_stuck(run: UnfinishedRun, now: datetime) -> bool:
    """True if a running process has written no event for much longer than such a run usually takes."""
    if run.phase != "running" or run.is_process_dead:
        return False
    return now - run.last_event_at > silence_limit(run.usual_duration)


def silence_limit(usual_duration: timedelta | None) -> timedelta:
    """The silence after which a run counts as stuck: twice its usual duration, and at least half an hour."""
    return SILENCE_WITHOUT_HISTORY if usual_duration is None else max(LEAST_SILENCE, TIMES_USUAL * usual_duration)


def _is_canceling_too_long(run: UnfinishedRun, now: datetime) -> bool:
    return run.phase == "canceling" and not run.is_process_dead and now - run.last_event_at > CANCELING_AFTER


def _is_queued_too_long(run: UnfinishedRun, now: datetime) -> bool:
    """Runs of backfills wait by design."""
    return run.phase == "queued" and not run.is_of_backfill and now - run.since > USUAL_WAIT


def _is_never_started(run: UnfinishedRun, now: datetime) -> bool:
    return run.phase == "starting" and not run.is_process_dead and now - run.last_event_at > STARTED_WITHIN


def _per_job(
    runs: Sequence[UnfinishedRun],
    is_wrong: Callable[[UnfinishedRun], bool],
    problem_of: Callable[[str, list[UnfinishedRun]], Problem],
) -> Iterator[Problem]:
    """One problem per job, because its runs usually have the same cause."""
    wrong = [run for run in runs if is_wrong(run)]
    for job in dict.fromkeys(run.job for run in wrong):
        yield problem_of(job, [run for run in wrong if run.job == job])


def _dead(job: str, runs: list[UnfinishedRun]) -> Problem:
    return Problem(
        ProblemName.run_stuck,
        f"{job}: dead",
        f"The process of {_named(runs)} died at or after {local_minute(runs[0].last_event_at)}, and Dagster "
        "still counts it as running.",
        "What the run had not committed is not stored. Until it is ended, it occupies its platform in Dagster's queue.",
        "`status` ends dead runs. Then sync again; landed pages are reused.",
        ("status",),
        _platforms(runs),
    )


def _stuck(job: str, runs: list[UnfinishedRun]) -> Problem:
    first = runs[0]
    usual = (
        f"such a run usually takes {_in_words(first.usual_duration)}"
        if first.usual_duration is not None
        else "no earlier run of this job shows how long it takes"
    )
    return Problem(
        ProblemName.run_stuck,
        f"{job}: silent",
        f"{_named(runs)} runs, but has written no event since {local_minute(first.last_event_at)}; {usual}.",
        "The data of its platform are not updated, and other runs of the platform wait for it.",
        "Look at its log in the Dagster UI. If nothing moves, terminate the run there and sync again.",
        ("status",),
        _platforms(runs),
    )


def _canceling(job: str, runs: list[UnfinishedRun]) -> Problem:
    return Problem(
        ProblemName.run_stuck,
        f"{job}: canceling",
        f"{_named(runs)} should end since {local_minute(runs[0].last_event_at)}, and has not ended.",
        "Other runs of its platform wait for it.",
        "Terminate it in the Dagster UI with the option to force it.",
        ("status",),
        _platforms(runs),
    )


def _waiting(runs: list[UnfinishedRun]) -> Iterator[Problem]:
    if runs:
        yield Problem(
            ProblemName.run_waiting,
            "queued",
            f"{_named(runs)} waits in Dagster's queue since {local_minute(runs[0].since)}.",
            "Its data are updated later than planned.",
            "See which run occupies the platform or the queue, and terminate it if it is stuck.",
            ("status",),
            _platforms(runs),
        )


def _never_started(runs: list[UnfinishedRun]) -> Iterator[Problem]:
    if runs:
        yield Problem(
            ProblemName.run_waiting,
            "never started",
            f"{_named(runs)} was launched before {local_minute(runs[0].last_event_at)}, and never started.",
            "Its data are not updated.",
            "Look at the log of the daemon: the process or the container of the run could not be started.",
            ("status",),
            _platforms(runs),
        )


def _failed(runs: list[FailedRun]) -> Problem:
    return Problem(
        ProblemName.run_failed,
        runs[0].job,
        f"{_named(runs)} failed at {local_minute(runs[0].ended_at)}, and none has succeeded since.",
        "What the run should have done is not done. Stored data stay as they are.",
        "Read the error of the run in the Dagster UI, or of its operation in the audit log, and start it again.",
        ("audit",),
        _platforms(runs),
    )


def _named(runs: Sequence[UnfinishedRun | FailedRun]) -> str:
    """`Run 1a2b of monthly_full_sync (chope)`, and how many more."""
    if len(runs) == 1:
        of = f" ({runs[0].platform})" if runs[0].platform else ""
        return f"Run {runs[0].run_id} of {runs[0].job}{of}"
    names = ", ".join(run.platform or run.run_id[:8] for run in runs[:MAX_NAMED])
    more = f" and {len(runs) - MAX_NAMED} more" if len(runs) > MAX_NAMED else ""
    return f"Each of {len(runs)} runs of {runs[0].job} ({names}{more})"


def _platforms(runs: Sequence[UnfinishedRun | FailedRun]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(run.platform for run in runs if run.platform))


def _in_words(duration: timedelta) -> str:
    seconds = duration.total_seconds()
    return f"{seconds:.0f} seconds" if seconds < 90 else duration_in_words(duration)
