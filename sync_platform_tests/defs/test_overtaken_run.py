"""A run that a newer version of the program has overtaken, or that lost its lock, is launched again; others are not."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as sa
import yaml
from dagster._core.instance.ref import InstanceRef

from sync_platform.cli.runner.home import INSTANCE_YAML
from sync_platform.defs import overtaken_run
from sync_platform.defs.landing import failure
from sync_platform.defs.overtaken_run import MAX_RETRIES_TAG, MOST_ATTEMPTS, PAUSE_S, RETRY_NUMBER_TAG
from sync_platform.defs.platform_lock import platform_lock_resource
from sync_platform.defs.progress import NoProgress
from sync_platform.defs.trigger import ATTENDED_TAG
from sync_platform.errors import LockLost, MadeByNewer, StorageError, SyncError
from sync_platform.storage.ledger import MIGRATIONS
from sync_platform.storage.relational import open_database, transaction

WILL_RETRY = "dagster/will_retry"


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that runs made, in seconds. They last no time."""
    made: list[float] = []
    monkeypatch.setattr(overtaken_run, "sleep", made.append)
    return made


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    overrides = yaml.safe_load(INSTANCE_YAML)
    with dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(tmp_path), overrides=overrides)) as instance:
        yield instance


ERRORS: dict[str, type[SyncError]] = {"newer": MadeByNewer, "lock": LockLost, "full": StorageError}


@dg.op(config_schema={"error": str})
def commit(context: dg.OpExecutionContext) -> None:
    raise failure(context, ERRORS[context.op_config["error"]]("it is so"))


@dg.job
def sync() -> None:
    commit()


@pytest.mark.parametrize(("error", "is_repeated"), [("newer", True), ("lock", True), ("full", False)])
def test_only_a_run_that_may_not_write_any_more_is_launched_again(
    instance: dg.DagsterInstance, error: str, is_repeated: bool
) -> None:
    config = {"ops": {"commit": {"config": {"error": error}}}}
    result = sync.execute_in_process(config, instance, raise_on_error=False)
    run = instance.get_run_by_id(result.run_id)
    assert run is not None and run.tags[WILL_RETRY] == str(is_repeated).lower()
    again = sync.execute_in_process(
        {"ops": {"commit": {"config": {"error": "full"}}}}, instance, tags=run.tags, raise_on_error=False
    )
    repeated = instance.get_run_by_id(again.run_id)
    assert repeated is not None and repeated.tags[WILL_RETRY] == "false"


@pytest.mark.parametrize(
    ("tags", "pause", "retries"),
    [
        ({}, [PAUSE_S], "3"),
        ({RETRY_NUMBER_TAG: "2", MAX_RETRIES_TAG: "4"}, [PAUSE_S], "5"),
        ({RETRY_NUMBER_TAG: str(MOST_ATTEMPTS), MAX_RETRIES_TAG: "42"}, [PAUSE_S], "42"),
        ({ATTENDED_TAG: "true"}, [], None),
    ],
    ids=["the first attempt", "the third", "too many", "of a command"],
)
def test_an_overtaken_attempt_waits_and_counts_as_none_of_the_retries(
    instance: dg.DagsterInstance, pauses: list[float], tags: dict[str, str], pause: list[float], retries: str | None
) -> None:
    config = {"ops": {"commit": {"config": {"error": "newer"}}}}
    result = sync.execute_in_process(config, instance, tags=tags, raise_on_error=False)
    run = instance.get_run_by_id(result.run_id)
    assert run is not None and (pauses, run.tags.get(MAX_RETRIES_TAG)) == (pause, retries)


def test_a_run_that_is_overtaken_before_its_first_step_is_launched_again(
    instance: dg.DagsterInstance, tmp_path: Path, pauses: list[float]
) -> None:
    ledger = f"sqlite:///{tmp_path / 'ledger.db'}"
    engine = open_database(ledger, MIGRATIONS)
    with transaction(engine) as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    locks = platform_lock_resource(ledger, {}, NoProgress(), lambda: None)

    @dg.op(required_resource_keys={"platform_locks"})
    def step() -> None: ...

    @dg.job(resource_defs={"platform_locks": locks})
    def job() -> None:
        step()

    result = job.execute_in_process(instance=instance, raise_on_error=False)
    run = instance.get_run_by_id(result.run_id)
    assert run is not None and (pauses, run.tags[MAX_RETRIES_TAG]) == ([PAUSE_S], "3")
    assert run.tags[WILL_RETRY] == "true"
