"""The SQL with which another program reads the lake: any DuckDB of this version, without the network."""

from __future__ import annotations

from pathlib import Path

from sync_platform.storage.data_path import is_moved
from sync_platform.storage.extensions import extension_paths
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import DISABLED_OPTIMIZERS, LAKE, attach_statement
from sync_platform.storage.sql_text import sql_text


def reading_statements(address: LakeAddress) -> list[str]:
    """The statements in order; after the last one, the lake is in use. Nothing can be written through them.

    A lake in a bucket needs a secret of type s3 before.
    """
    options = ["READ_ONLY"]
    if address.catalog_file and not address.is_remote and is_moved(address.catalog_file, Path(address.data)):
        options.append("OVERRIDE_DATA_PATH TRUE")
    loaded = [f"LOAD {sql_text(path)}" for path in extension_paths(address.extensions)]
    optimizers = f"SET disabled_optimizers = '{DISABLED_OPTIMIZERS}'"
    return [*loaded, optimizers, attach_statement(address, options), f"USE {LAKE}"]
