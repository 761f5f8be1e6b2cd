"""A run that a newer version of the program has overtaken, or that lost its lock, is launched again; others are not."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster._core.instance.ref import InstanceRef

from sync_platform.cli.runner.home import INSTANCE_YAML
from sync_platform.defs.landing import failure
from sync_platform.errors import LockLost, MadeByNewer, StorageError, SyncError

WILL_RETRY = "dagster/will_retry"


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
