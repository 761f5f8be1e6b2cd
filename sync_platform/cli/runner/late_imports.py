"""Imports in advance what a run imports late, so that a process that is forked afterwards starts a run sooner."""

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
from sync_platform.storage.extensions import check_extensions
from sync_platform.storage.lake_address import LakeAddress

FIRST_REQUEST_MODULES = ("anyio._backends._asyncio", "httpcore", "h11", "alembic.command")


def import_all(settings: Settings) -> None:
    """Build the definitions, and run an empty job on an instance in a temporary folder. No connection stays open."""
    for name in FIRST_REQUEST_MODULES:
        importlib.import_module(name)
    build(settings, NoProgress())
    check_extensions(LakeAddress.of(settings).extensions)
    keep_empty_log()

    @dg.asset
    def nothing() -> None: ...

    with tempfile.TemporaryDirectory() as folder, instance_in(prepare_home(Path(folder))) as instance:
        without_log = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
        dg.materialize([nothing], instance=instance, run_config=without_log)
