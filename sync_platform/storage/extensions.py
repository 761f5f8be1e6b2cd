"""DuckDB's extensions, loaded from their Python packages, so that no machine needs the internet for them.

DuckDB checks the signature of an extension at each LOAD. It reads the whole file for that, about 35 MB, which takes
longer than everything else that opens a lake. This process checks each file once. Later instances load what is loaded
in the process already, without another check.
"""

from __future__ import annotations

import importlib.resources
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from sync_platform.storage.memory_database import memory_database
from sync_platform.storage.sql_text import sql_text


class _File(NamedTuple):
    """One version of an extension's file. A file that is replaced is checked again."""

    path: str
    size_bytes: int
    modified_ns: int


_checked: set[_File] = set()


def connect_with(extensions: Sequence[str], config: Mapping[str, Any]) -> duckdb.DuckDBPyConnection:
    """A new DuckDB instance in memory with the extensions loaded; it loads nothing else that is not signed.

    Raises duckdb.IOException where a signature is wrong.
    """
    files = [_file_of(extension) for extension in extensions]
    instance = memory_database({**config, "allow_unsigned_extensions": _checked.issuperset(files)})
    try:
        for file in files:
            instance.execute(f"LOAD {sql_text(file.path)}")
        instance.execute("SET allow_unsigned_extensions = false")  # DuckDB refuses to switch it on again
    except BaseException:
        instance.close()
        raise
    _checked.update(files)
    return instance


def check_extensions(extensions: Sequence[str]) -> None:
    """Check the signatures now: processes that are forked from this one then need no check of their own."""
    connect_with(extensions, {"threads": 1}).close()


def extension_paths(extensions: Sequence[str]) -> list[str]:
    """The files of the extensions, which DuckDB of the same version can LOAD."""
    return [_file_of(extension).path for extension in extensions]


def _file_of(extension: str) -> _File:
    folder = importlib.resources.files(f"duckdb_extension_{extension}")
    path = Path(str(folder / "extensions" / f"v{duckdb.__version__}" / f"{extension}.duckdb_extension"))
    status = path.stat()
    return _File(str(path), status.st_size, status.st_mtime_ns)
