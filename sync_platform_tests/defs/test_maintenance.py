"""The maintenance job in Dagster: its metadata, and when it is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from sync_platform.definitions import build
from sync_platform.defs import maintenance
from sync_platform.defs.maintenance import MAINTENANCE, SUMMARY
from sync_platform.defs.progress import NoProgress
from sync_platform.defs.run_errors import error_of
from sync_platform.defs.trigger import ATTENDED_TAG
from sync_platform.settings import Settings
from sync_platform.storage.lease import Leases
from sync_platform_tests.lake.harness import LakeHarness


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a lake that two syncs wrote."""
    home = tmp_path_factory.mktemp("home")
    harness = LakeHarness(home)
    for hour in range(2):
        harness.sync([{"id": number, "name": f"Dish {number} at {hour}"} for number in range(20)], hour=hour)
    harness.lake.close()
    return home


@pytest.fixture
def definitions(home: Path) -> dg.Definitions:
    return build(Settings(_env_file=None, sync_home=home, sandbox_places=40), NoProgress())


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def _run(definitions: dg.Definitions, instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    job = definitions.resolve_job_def(MAINTENANCE)
    return job.execute_in_process(instance=instance, raise_on_error=False, tags={ATTENDED_TAG: "true"})


def test_maintenance_is_refused_during_a_backup_and_names_it(
    home: Path, definitions: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    with Leases(f"sqlite:///{home / 'ledger.sqlite'}").hold("backup"):
        result = _run(definitions, instance)
    assert not result.success
    (failed,) = [event for event in result.all_events if event.is_step_failure]
    failure = failed.step_failure_data.user_failure_data
    assert failure is not None and failure.description is not None
    assert failure.description.startswith("maintenance cannot start: backup (process ")
    assert failure.metadata["permanent"].value is False


@pytest.mark.parametrize("attended", [True, False])
def test_an_unexpected_error_is_not_retried(
    definitions: dg.Definitions, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch, attended: bool
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr(maintenance, "close_lineage", broken)
    tags = {ATTENDED_TAG: "true"} if attended else {}
    job = definitions.resolve_job_def(MAINTENANCE)
    result = job.execute_in_process(instance=instance, raise_on_error=False, tags=tags)
    assert error_of(result.all_events) == "unexpected ZeroDivisionError: a defect"
    assert not [event for event in result.all_events if event.is_step_up_for_retry]


def test_a_run_shows_what_it_did(definitions: dg.Definitions, instance: dg.DagsterInstance) -> None:
    result = _run(definitions, instance)
    assert result.success
    (output,) = [event for event in result.all_events if event.is_successful_output]
    metadata = output.step_output_data.metadata
    assert metadata["files_after"].value < metadata["files_before"].value
    assert 0 < metadata["bytes_after"].value < metadata["bytes_before"].value
    table = metadata["tables"]
    assert isinstance(table, dg.TableMetadataValue)
    records = {record.data["table"]: record.data for record in table.records}
    assert records["sync.runs"]["files_before"] == 2
    assert records["sync.runs"]["files_after"] == 1
    assert metadata[SUMMARY].value["tables"]["sync.runs"]["files_after"] == 1  # type: ignore[index]
    names = ("snapshots_expired", "unneeded_files_deleted", "orphaned_files_deleted", "landing_folders_deleted")
    assert [metadata[name].value for name in names] == [0, 0, 0, 0]


def test_maintenance_changes_nothing_where_a_file_is_damaged_and_names_it(
    home: Path, definitions: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    harness = LakeHarness(home)
    harness.file_proof().record_new()
    files = harness.files()
    path = Path(min(files))
    body = path.read_bytes()
    path.write_bytes(body[:100] + bytes([body[100] ^ 1]) + body[101:])
    error = error_of(_run(definitions, instance).all_events)
    assert error is not None
    assert error.startswith("the lake's files are damaged, and nothing was changed: ")
    assert path.name in error
    assert harness.files() == files
    path.write_bytes(body)
    harness.lake.close()


def test_every_file_is_recorded_after_a_run(
    home: Path, definitions: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    harness = LakeHarness(home)
    harness.sync([{"id": 1, "name": "New"}], hour=5)
    assert _run(definitions, instance).success
    proof = harness.file_proof()
    assert (proof.record_new(), proof.check().unrecorded, proof.lists.chain()[-1].kind) == (0, 0, "all")
    harness.lake.close()


def test_the_lease_is_free_after_a_run(home: Path, definitions: dg.Definitions, instance: dg.DagsterInstance) -> None:
    assert _run(definitions, instance).success
    with Leases(f"sqlite:///{home / 'ledger.sqlite'}").hold("backup"):
        pass


def test_changes_past_their_days_are_folded_and_the_run_says_how_many(home: Path, instance: dg.DagsterInstance) -> None:
    settings = Settings(_env_file=None, sync_home=home, sandbox_places=40)
    kept_for_no_day = settings.model_copy(update={"lineage_retention_days": 0})
    result = _run(build(kept_for_no_day, NoProgress()), instance)
    assert result.success
    (output,) = [event for event in result.all_events if event.is_successful_output]
    metadata = output.step_output_data.metadata
    folded = metadata[SUMMARY].value["lineage_folded"]  # type: ignore[index]
    assert metadata["changes_folded"].value == sum(each["changes_before"] for each in folded) > 0
    again = _run(build(kept_for_no_day, NoProgress()), instance)
    (output,) = [event for event in again.all_events if event.is_successful_output]
    assert output.step_output_data.metadata["changes_folded"].value == 0
