"""The time of every schedule, in Hong Kong, as a cron expression (minute, hour, day of month, month, weekday).

What belongs here: when the jobs run. What they do belongs in their own modules.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import dagster as dg

from sync_platform.compliance.chains import ANCHOR_DAY, ANCHOR_HOUR
from sync_platform.defs.partitions import TIMEZONE

MONTHLY_SYNC = ["0 2 1 * *"]
REGISTER_SYNC = ["0 5 * * 1", "0 1 1 * *"]
"""The government's registers: every Monday, and on the 1st with all others."""
INCREMENTAL_SYNC = ["0 4 * * *"]
MAINTENANCE = "0 3 * * 0"
FULL_BACKUP = "30 4 * * 0"
INCREMENTAL_BACKUP = "30 5 * * *"
VAULT_BACKUP = "0 6 * * *"
LINEAGE_VERIFICATION = f"0 {ANCHOR_HOUR} {ANCHOR_DAY} * *"
PRUNING = "0 7 * * *"
RETENTION = "30 7 * * *"
DRILL = "0 8 * * 0"
ERASURES = "40 * * * *"


def scheduled(
    job: Any, times: str | list[str], description: str, requests: Callable[..., Any] | None = None
) -> dg.ScheduleDefinition:
    """The schedule `NAME_schedule` of a job, which runs from the first start of the daemon on.

    `requests` makes the run requests of a tick; None: one run of the job.
    """
    return dg.ScheduleDefinition(
        name=f"{job.name}_schedule",
        job=job,
        cron_schedule=times,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        execution_timezone=TIMEZONE,
        description=description,
        execution_fn=requests,
    )
