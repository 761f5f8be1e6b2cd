"""Why a run failed, in the words of the error at the root of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import dagster as dg

from sync_platform import errors

MEANT_FOR_PEOPLE = {
    name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, errors.SyncError)
}
UNMET = "DagsterAssetCheckFailedError"
"""Dagster's own error where a blocking check is not met; what is wrong stands in the check."""


def error_of(events: Iterable[dg.DagsterEvent]) -> str | None:
    """What a failed run's events say; None where they say nothing."""
    ends, unmet = [], []
    for event in events:
        if event.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            check = event.asset_check_evaluation_data
            if check.blocking and not check.passed:
                unmet.append(f"{check.asset_key.path[-1]}: {check.description}")
        if event.is_step_failure:
            failure = event.step_failure_data
            if unmet and failure.error and failure.error.cls_name == UNMET:
                return "; ".join(unmet)
            if failure.user_failure_data and failure.user_failure_data.description:
                return str(failure.user_failure_data.description)
            return _root_of(failure.error) or "a step failed"
        if event.is_job_failure:
            found = event.event_specific_data  # a run that others declare failed has none
            ends.append(_root_of(getattr(found, "error", None)) or event.message)
    return next((told for told in ends if told), None)


def _root_of(error: Any) -> str | None:
    """What the error that others wrap says: ours, or else the innermost."""
    while error is not None and error.cause is not None and error.cls_name not in MEANT_FOR_PEOPLE:
        error = error.cause
    return None if error is None else str(error.message).strip().removeprefix(f"{errors.__name__}.{error.cls_name}: ")
