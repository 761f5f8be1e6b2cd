"""Why a run failed: the message of the error that caused it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import dagster as dg

from sync_platform import errors

EXPECTED_ERRORS = {
    name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, errors.SyncError)
}
CHECK_FAILED = "DagsterAssetCheckFailedError"
"""Dagster's error for a blocking check that failed; the check describes what is wrong."""

OVERTAKEN = {errors.MadeByNewer.__name__, errors.LockLost.__name__}
INTERRUPTIONS = {"KeyboardInterrupt", "DagsterExecutionInterruptedError", "InterruptException"}
"""What Python, Dagster and DuckDB raise at Ctrl-C."""


def error_of(events: Iterable[dg.DagsterEvent]) -> str | None:
    """The error in the events of a failed run; None where there is none."""
    job_errors, failed_checks = [], []
    for event in events:
        if event.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            check = event.asset_check_evaluation_data
            if check.blocking and not check.passed:
                failed_checks.append(f"{check.asset_key.path[-1]}: {check.description}")
        if event.is_step_failure:
            failure = event.step_failure_data
            if failed_checks and failure.error and failure.error.cls_name == CHECK_FAILED:
                return "; ".join(failed_checks)
            if failure.user_failure_data and failure.user_failure_data.description:
                return str(failure.user_failure_data.description)
            return _root_of(failure.error) or "a step failed"
        if event.is_job_failure:
            failure_data = event.event_specific_data  # a run that was reported as failed has none
            job_errors.append(_root_of(getattr(failure_data, "error", None)) or event.message)
    return next((message for message in job_errors if message), None)


def is_blocked(events: Iterable[dg.DagsterEvent]) -> bool:
    """True if a run failed only because a blocking check did not pass: what it fetched is stored."""
    failed = [event.step_failure_data.error for event in events if event.is_step_failure]
    return bool(failed) and all(error and error.cls_name == CHECK_FAILED for error in failed)


def is_overtaken(events: Iterable[dg.DagsterEvent]) -> bool:
    """True if a run failed because its program may not write any more: a newer one does, or another run."""
    return any(_kinds_of(event) & OVERTAKEN for event in events)


def _kinds_of(event: dg.DagsterEvent) -> set[str]:
    """The classes of the errors with which a step or a run failed."""
    failure = event.step_failure_data.user_failure_data if event.is_step_failure else None
    wrapped = failure.metadata.get("error") if failure and failure.metadata else None  # failure() of defs/landing.py
    return _names_of(_own_error_of(event)) | ({str(wrapped.value)} if wrapped else set())


def is_interrupted(events: Iterable[dg.DagsterEvent]) -> bool:
    """True if Ctrl-C ended the run, in a step or between two, whichever error the interrupted library made of it."""
    return any(_names_of(_own_error_of(event)) & INTERRUPTIONS for event in events)


def _own_error_of(event: dg.DagsterEvent) -> Any:
    """The error with which a step or a run failed; None for any other event, and for a run in which steps failed."""
    if event.is_step_failure:
        return event.step_failure_data.error
    return getattr(event.event_specific_data, "error", None) if event.is_job_failure else None


def _names_of(error: Any) -> set[str]:
    """The classes of an error and of those that it wraps."""
    names = set()
    while error is not None:
        names.add(error.cls_name)
        error = error.cause
    return names


def root_error(error: Any) -> Any:
    """The error that others wrap, as Dagster serialises errors: an expected one, else the innermost."""
    while error.cause is not None and error.cls_name not in EXPECTED_ERRORS:
        error = error.cause
    return error


def error_text(error: Any) -> str:
    """The message of a serialised error, without its class if it is an expected one."""
    return str(error.message).strip().removeprefix(f"{errors.__name__}.{error.cls_name}: ")


def _root_of(error: Any) -> str | None:
    return None if error is None else error_text(root_error(error))
