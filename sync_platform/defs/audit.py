"""Runs in the audit log: who started one, and through which door, as its tags say.

What belongs here: what Dagster knows of a run's origin. Runs of the command line are put on record there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import dagster as dg

from sync_platform.defs.landing import ATTENDED_TAG
from sync_platform.defs.trigger import REQUEST_ID_TAG, REQUESTER_TAG
from sync_platform.storage.audit_log import AuditLog, Via

ACTOR_TAG = "sync_platform/actor"
"""Who started a run, where the door that it came through knows."""
SCHEDULE_TAG, SENSOR_TAG, BACKFILL_TAG = "dagster/schedule_name", "dagster/sensor_name", "dagster/backfill"
PARTITION_TAG, AUTOMATION_TAG = "dagster/partition", "dagster/from_automation_condition"


def note_run(run: dg.DagsterRun, ledger: str, operation: str, subject: dict[str, Any] | None = None) -> None:
    """Put on record that a run begins; StorageError where that cannot be: what is not on record is not done."""
    if ATTENDED_TAG in run.tags:
        return
    actor, via = origin_of(run)
    told: dict[str, Any] = {"run_id": run.run_id, "job": run.job_name, **(subject or {})}
    named = {"partition": PARTITION_TAG, "request_id": REQUEST_ID_TAG, "backfill": BACKFILL_TAG}
    told |= {name: run.tags[tag] for name, tag in named.items() if tag in run.tags}
    log = AuditLog(ledger)
    try:
        for reason in sorted(set(_shrinks_accepted(run.run_config))):
            log.record("accept-shrink", {**told, "reason": reason}, actor=actor, via=via, outcome="begun")
        log.record(operation, told, actor=actor, via=via, outcome="begun")
    finally:
        log.close()


def origin_of(run: dg.DagsterRun) -> tuple[str, Via]:
    """Who started a run, and through which door. Dagster's own UI knows nobody by name."""
    tags = run.tags
    if SCHEDULE_TAG in tags:
        return tags[SCHEDULE_TAG], "schedule"
    if SENSOR_TAG in tags or AUTOMATION_TAG in tags:
        return tags.get(REQUESTER_TAG) or tags.get(SENSOR_TAG) or "automation", "sensor"
    return tags.get(ACTOR_TAG) or tags.get(REQUESTER_TAG) or "unknown", "ui"


def _shrinks_accepted(config: Any) -> Iterator[str]:
    ops = config.get("ops", {}) if isinstance(config, dict) else {}
    for op in ops.values():
        reason = ((op or {}).get("config") or {}).get("accept_shrink")
        if reason:
            yield str(reason)
