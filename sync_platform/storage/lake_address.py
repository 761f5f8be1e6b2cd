"""Where a lake is: its catalog, its data, and what of DuckDB that place needs.

Two kinds differ in the ATTACH string, the extensions and the kind of lock only: files of one machine, and PostgreSQL
with an object store.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from sync_platform.settings import Settings, without_password
from sync_platform.storage.advisory_lock import KEEPALIVE
from sync_platform.storage.catalog_file import EXTENSION
from sync_platform.storage.unwritable_place import readable_database
from sync_platform.storage.write_lock import holding_advisory, holding_file

CIPHER = "httpfs"
"""The extension that reads and writes s3://, and that has the cipher of encrypted data files."""


@dataclass(frozen=True)
class LakeAddress:
    """Where a lake is: `sqlite:PATH` or `postgres:CONNINFO`, a data folder or `s3://` URL, and a temporary folder."""

    catalog: str
    data: str
    temp: Path
    region: str = "ap-southeast-1"
    endpoint: str = ""
    memory_limit: str = "256MB"
    encrypts: bool = False
    """True for a draft of the catalog that lies beside the data, where the catalog itself will not."""

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The lake of an installation."""
        return cls(
            settings.catalog_url,
            settings.lake_data_url,
            settings.temp,
            settings.aws_region,
            settings.aws_endpoint_url,
        )

    @property
    def catalog_file(self) -> Path | None:
        return Path(self.catalog.removeprefix("sqlite:")) if self.catalog.startswith("sqlite:") else None

    @property
    def is_remote(self) -> bool:
        """True if the data lies in an object store."""
        return "://" in self.data

    @property
    def data_folder(self) -> Path | None:
        """The folder of the data; None for an object store."""
        return None if self.is_remote else Path(self.data)

    @property
    def is_encrypted(self) -> bool:
        """True if data files are encrypted: data and catalog, which has their keys, lie in different places."""
        return self.encrypts or self.is_remote or self.catalog_file is None

    @property
    def extensions(self) -> tuple[str, ...]:
        """The DuckDB extensions that the lake needs; `CIPHER` too where only its catalog says that it is encrypted."""
        catalog = EXTENSION if self.catalog_file else "postgres_scanner"
        return ("ducklake", catalog, *((CIPHER,) if self.is_encrypted else ()))

    def with_keepalive(self) -> Self:
        """The same lake; a PostgreSQL catalog ends the transactions of a machine that went silent within a minute.

        Otherwise a commit that a machine did not finish would block all others for hours.
        """
        if self.catalog_file is not None:
            return self
        from psycopg.conninfo import conninfo_to_dict, make_conninfo  # a laptop needs no PostgreSQL

        address = self.catalog.removeprefix("postgres:")
        options = " ".join(filter(None, (str(conninfo_to_dict(address).get("options") or ""), KEEPALIVE)))
        return replace(self, catalog=f"postgres:{make_conninfo(address, options=options)}")

    def readable(self, folder: Path) -> Self:
        """The same lake for a reader; with a copy of its catalog in `folder` where nothing can be written beside it."""
        file = self.catalog_file
        return self if file is None else replace(self, catalog=f"sqlite:{readable_database(file, folder)}")

    def write_lock(self) -> AbstractContextManager[object]:
        """Lock for a write transaction; one process on any machine holds it at a time."""
        if self.catalog_file is None:
            return holding_advisory(self.catalog.removeprefix("postgres:"))
        return holding_file(self.catalog_file)

    def __str__(self) -> str:
        """The location for people, without the catalog's password."""
        return f"the lake at {without_password(self.catalog)} (data in {self.data})"

    @property
    def exists(self) -> bool:
        """True if the lake exists. A PostgreSQL catalog is assumed to exist until a connection shows otherwise.

        An empty file is no catalog: SQLite makes the file before its first page.
        """
        file = self.catalog_file
        return file is None or (file.exists() and file.stat().st_size > 0)
