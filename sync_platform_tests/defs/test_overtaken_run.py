"""A run that a newer version of the program has overtaken is launched again; one that fails otherwise is not."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster._core.instance.ref import InstanceRef

from sync_platform.cli.runner.home import INSTANCE_YAML
from sync_platform.defs.landing import failure
from sync_platform.errors import MadeByNewer, StorageError, SyncError

WILL_RETRY = "dagster/will_retry"


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    overrides = yaml.safe_load(INSTANCE_YAML)
    with dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(tmp_path), overrides=overrides)) as instance:
        yield instance


@dg.op(config_schema={"is_overtaken": bool})
def commit(context: dg.OpExecutionContext) -> None:
    error: SyncError = MadeByNewer("newer") if context.op_config["is_overtaken"] else StorageError("full")
    raise failure(context, error)


@dg.job
def sync() -> None:
    commit()


@pytest.mark.parametrize("is_overtaken", [True, False])
def test_only_an_overtaken_run_is_launched_again(instance: dg.DagsterInstance, is_overtaken: bool) -> None:
    config = {"ops": {"commit": {"config": {"is_overtaken": is_overtaken}}}}
    result = sync.execute_in_process(config, instance, raise_on_error=False)
    run = instance.get_run_by_id(result.run_id)
    assert run is not None and run.tags[WILL_RETRY] == str(is_overtaken).lower()
    again = sync.execute_in_process(
        {"ops": {"commit": {"config": {"is_overtaken": False}}}}, instance, tags=run.tags, raise_on_error=False
    )
    repeated = instance.get_run_by_id(again.run_id)
    assert repeated is not None and repeated.tags[WILL_RETRY] == "false"
