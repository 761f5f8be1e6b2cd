"""Whether emergency requests wait too long to be started."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from sync_platform.documents.local_time import local_minute
from sync_platform.emergency.request import EmergencyRequest
from sync_platform.monitoring.installation_health import URGENT_WAIT, USUAL_WAIT
from sync_platform.monitoring.problem import Problem, ProblemName


def request_problems(requests: Sequence[EmergencyRequest], now: datetime) -> Iterator[Problem]:
    """One problem, for all requests that wait for longer than an hour (critical: ten minutes)."""
    late = sorted((request for request in requests if _is_late(request, now)), key=lambda request: request.requested_at)
    if late:
        first = late[0]
        more = f", and {len(late) - 1} more wait too long" if len(late) > 1 else ""
        yield Problem(
            ProblemName.run_waiting,
            "requests",
            f"The {first.priority} emergency request {first.request_id} waits since "
            f"{local_minute(first.requested_at)}{more}.",
            "What was requested is not synced.",
            "Requests are started by Dagster's daemon, or by `emergency` without it: see whether the daemon runs.",
            ("emergency", "status", first.request_id),
            tuple(dict.fromkeys(platform for request in late for platform in request.platforms)),
        )


def _is_late(request: EmergencyRequest, now: datetime) -> bool:
    is_waiting = any(run.state in ("requested", "launched") for run in request.runs)
    limit = URGENT_WAIT if request.priority == "critical" else USUAL_WAIT
    return is_waiting and now - request.requested_at > limit
