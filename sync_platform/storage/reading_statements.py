"""The SQL with which another program reads the lake: any DuckDB of this version, without the network."""

from __future__ import annotations

from pathlib import Path

from sync_platform.storage.catalog_file import file_reader
from sync_platform.storage.data_path import has_encrypted_files, is_moved
from sync_platform.storage.extensions import extension_paths
from sync_platform.storage.lake_address import CIPHER, LakeAddress
from sync_platform.storage.lake_connection import DISABLED_OPTIMIZERS, LAKE, attach_statement
from sync_platform.storage.sql_text import sql_text


def reading_statements(address: LakeAddress) -> list[str]:
    """The statements in order; after the last one, the lake is in use. Nothing can be written through them.

    A lake in a bucket needs a secret of type s3 before.
    """
    options, extensions = ["READ_ONLY"], [*address.extensions]
    if catalog := address.catalog_file:
        with file_reader() as reader:
            if not address.is_encrypted and has_encrypted_files(reader, catalog):
                extensions.append(CIPHER)
            if not address.is_remote and is_moved(reader, catalog, Path(address.data)):
                options.append("OVERRIDE_DATA_PATH TRUE")
    loaded = [f"LOAD {sql_text(path)}" for path in extension_paths(extensions)]
    optimizers = f"SET disabled_optimizers = '{DISABLED_OPTIMIZERS}'"
    return [*loaded, optimizers, attach_statement(address, options), f"USE {LAKE}"]
