"""Why a run failed, in the words of the error at the root of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import dagster as dg


def error_of(events: Iterable[dg.DagsterEvent]) -> str | None:
    """What a failed run's events say; None where they say nothing."""
    ends = []
    for event in events:
        if event.is_step_failure:
            failure = event.step_failure_data
            if failure.user_failure_data and failure.user_failure_data.description:
                return str(failure.user_failure_data.description)
            return _root_of(failure.error) or "a step failed"
        if event.is_job_failure:
            ends.append(_root_of(event.job_failure_data.error) or event.message)
    return next((told for told in ends if told), None)


def _root_of(error: Any) -> str | None:
    """What an error that others wrap says of itself."""
    while error is not None and error.cause is not None:
        error = error.cause
    return str(error.message).strip() if error is not None else None
