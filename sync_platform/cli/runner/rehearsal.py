"""Everything that a run imports late, imported in advance: a process that is forked afterwards starts a run earlier."""

from __future__ import annotations

import importlib
import tempfile
from pathlib import Path

import dagster as dg

from sync_platform.cli.runner.home import prepare_home
from sync_platform.definitions import build
from sync_platform.defs.dagster_internals import instance_in
from sync_platform.defs.dagster_sqlite import keep_empty_log
from sync_platform.defs.progress import NoProgress
from sync_platform.settings import Settings
from sync_platform.storage.extensions import check
from sync_platform.storage.lake_connection import LakeAddress

OF_THE_FIRST_REQUEST = ("anyio._backends._asyncio", "httpcore", "h11", "alembic.command")


def rehearse(settings: Settings) -> None:
    """Build the definitions, and run an empty job on an instance in a temporary folder. No connection stays open."""
    for name in OF_THE_FIRST_REQUEST:
        importlib.import_module(name)
    build(settings, NoProgress())
    check(LakeAddress.of(settings).extensions)
    keep_empty_log()

    @dg.asset
    def nothing() -> None: ...

    with tempfile.TemporaryDirectory() as folder, instance_in(prepare_home(Path(folder))) as instance:
        quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
        dg.materialize([nothing], instance=instance, run_config=quiet)
