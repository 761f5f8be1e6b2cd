"""A run that failed is judged as a run only if nothing that it recorded says that it failed."""

from __future__ import annotations

from dataclasses import replace

from sync_platform.lake.syncs import SyncRecord
from sync_platform.monitoring.judged_runs import judged_runs
from sync_platform.storage.operation_name import OperationName
from sync_platform_tests.monitoring.recorded_syncs import PLATFORMS, recorded
from sync_platform_tests.monitoring.test_recorded_problems import WELL, ago, entry


def of_run(run_id: str, records: list[SyncRecord]) -> list[SyncRecord]:
    return [replace(each, run_id=run_id) for each in records]


def test_a_run_is_judged_by_its_syncs_if_they_show_that_it_failed() -> None:
    records = [
        *of_run("failed", recorded("chope", 1, "failed", None)),
        *of_run("degraded", recorded("chope", 2, "degraded")),
        *of_run("half", recorded("chope", 3, "degraded", dataset="restaurants")),  # the next dataset crashed
        *of_run("complete", recorded("chope", 4)),  # what followed the sync failed
    ]
    assert judged_runs(PLATFORMS, replace(WELL, records={"chope": records})) == {"failed", "degraded"}


def test_a_run_is_judged_by_the_audit_log_if_it_shows_that_it_failed() -> None:
    backup, verify, drill = OperationName.backup, OperationName.verify, OperationName.drill
    state = replace(
        WELL,
        backup_log={
            backup: [entry(backup, ago(days=1), "failed", run_id="b"), entry(backup, ago(hours=1), run_id="ok")]
        },
        drills=[entry(drill, ago(days=1), "failed", run_id="d")],
        verifications=[
            entry(verify, ago(days=1), "failed", run_id="v", breaks=1),
            entry(verify, ago(days=1), "failed", run_id="unread"),
        ],
    )
    assert judged_runs(PLATFORMS, state) == {"b", "d", "v"}
