"""What Dagster's runs log: as log lines of the program, each once."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import pytest

from sync_platform.defs.run_log import logging_run, write_run_lines
from sync_platform.defs.sync_log import SyncLog
from sync_platform.errors import ServerFailed, StorageError
from sync_platform.lake.syncs import Status, SyncRecord
from sync_platform_tests.logs.conftest import Written

PERSON = "Wong Siu-ming"


def run_of(step: Callable[[Any], None], tags: dict[str, str] | None = None, *, manages: bool = True) -> dg.DagsterRun:
    """Run a step like Dagster does: without a config of its loggers."""

    @dg.op(name="step")
    def run_step(context) -> None:  # type: ignore[no-untyped-def]
        with logging_run(context.run, "chope"):
            step(context)

    @dg.job(name="some_job", executor_def=dg.in_process_executor)
    def some_job() -> None:
        run_step()

    python_logs = {"python_logs": {"managed_python_loggers": ["sync_platform"]}} if manages else {}
    with dg.DagsterInstance.ephemeral(settings=python_logs) as instance:
        return some_job.execute_in_process(instance=instance, raise_on_error=False, tags=tags or {}).dagster_run


@pytest.mark.parametrize("manages", [True, False])
def test_each_message_of_a_run_is_one_line_with_its_run_platform_and_trace(manages: bool, written: Written) -> None:
    def step(context: dg.OpExecutionContext) -> None:
        context.log.warning("degraded: 3 pages failed")
        logging.getLogger("sync_platform.sources.client").info("sent again")

    write_run_lines()
    run = run_of(step, manages=manages)
    lines = [line for line in written.lines if line["level"] in ("INFO", "WARNING")]
    assert [line["message"] for line in lines] == ["degraded: 3 pages failed", "sent again"]
    assert lines[1]["logger"] == "sync_platform.sources.client"
    assert {(line["run_id"], line["trace_id"]) for line in lines} == {(run.run_id, run.run_id.replace("-", ""))}
    assert {line["run_id"] for line in written.lines} == {run.run_id}


def test_a_run_of_an_emergency_request_has_the_trace_of_the_request(written: Written) -> None:
    write_run_lines()
    run_of(lambda context: context.log.info("x"), {"sync_platform/request_id": "20261124T21", "platform": "keeta"})
    assert {(line["platform"], line["trace_id"]) for line in written.lines} == {("keeta", "20261124T21")}


def test_an_expected_error_is_logged_with_its_text_and_an_unexpected_one_with_its_stack_and_no_value(
    written: Written,
) -> None:
    def refuse(context: dg.OpExecutionContext) -> None:
        raise StorageError("the disk is full")

    def crash(context: dg.OpExecutionContext) -> None:
        int(PERSON)

    write_run_lines()
    run_of(refuse)
    assert ["the disk is full" in message for message in written.messages("ERROR")] == [True, False]
    assert written.messages("CRITICAL") == []
    run_of(crash)
    (line,) = [line for line in written.lines if line["level"] == "CRITICAL"]
    assert line["message"].endswith("unexpected ValueError")
    assert "in crash" in line["stack"]
    assert PERSON not in written.text


def record_of(dataset: str, status: Status = "complete", **counts: Any) -> SyncRecord:
    now = datetime(2026, 11, 24, 4, tzinfo=UTC)
    return SyncRecord("s", "r", "diner", dataset, "2026-11", "full", status, now, now, now, **counts)


def test_a_sync_ends_with_the_sums_of_its_datasets() -> None:
    log = SyncLog("2026-11")
    log.add(record_of("dishes", records=1200, updated=3, inserted=40))
    log.add(record_of("reviews", records=34, updated=1, inserted=2, gaps=["1 page failed"]))
    sums = "processed: 1234, updated: 4, created: 42, errors: 0"
    assert list(log.lines()) == [
        (logging.INFO, f"Sync job completed: diner 2026-11, with gaps, {sums}"),
    ]


def test_a_degraded_sync_is_a_warning_with_its_records_in_quarantine_as_errors() -> None:
    log = SyncLog("2026-11")
    log.add(record_of("dishes", records=10))
    log.add(record_of("reviews", "degraded", records=5, quarantined=2))
    sums = "processed: 15, updated: 0, created: 0, errors: 2"
    assert list(log.lines()) == [(logging.WARNING, f"Sync job completed: diner 2026-11, degraded, {sums}")]


def test_a_sync_that_fails_is_an_error_unless_its_repeat_succeeds() -> None:
    log = SyncLog("2026-11")
    with pytest.raises(ServerFailed), log.step("chope"):
        raise ServerFailed("chope: answered 502")
    sums = "processed: 0, updated: 0, created: 0, errors: 0"
    assert list(log.lines()) == [(logging.ERROR, f"Sync job failed: chope 2026-11: chope: answered 502; {sums}")]
    with log.step("chope"):
        pass
    assert list(log.lines()) == []
    with pytest.raises(ValueError), log.step("chope", "reviews"):
        int(PERSON)
    assert list(log.lines()) == [(logging.ERROR, f"Sync job failed: chope 2026-11: unexpected ValueError; {sums}")]
