"""What every new process of the tests has when it is forked: the product's modules, and libraries that it imports late.

What belongs here: work that each process would repeat, about 3 s of it. Nothing here may read the environment or
start a thread.
"""

from __future__ import annotations

import importlib
import pkgutil

import sync_platform
from sync_platform.storage.extensions import check_extensions

LIBRARIES = """
    alembic.command boto3 dagster.components dagster._core.storage.event_log.sqlite dagster._core.storage.runs.sqlite
    dagster._core.storage.sqlite_storage pandera.polars psycopg pyarrow.dataset pytest rich.live
    splink sqlalchemy.dialects.postgresql sqlalchemy.dialects.sqlite upath
"""
EXTENSIONS = ("ducklake", "sqlite_scanner", "postgres_scanner", "httpfs")

for library in LIBRARIES.split():
    importlib.import_module(library)
for module in pkgutil.walk_packages(sync_platform.__path__, "sync_platform."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
check_extensions(EXTENSIONS)
