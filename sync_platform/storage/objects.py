"""Opens the object store at an address: a folder or an S3 bucket."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from sync_platform.errors import SettingsError
from sync_platform.storage.bucket_store import BucketStore, ServerEncryption
from sync_platform.storage.folder_store import FolderStore
from sync_platform.storage.object_store import ObjectStore

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def open_store(url: str, s3_client: S3Client | None = None, encryption: ServerEncryption | None = None) -> ObjectStore:
    """The store at `file:///folder` or `s3://bucket/prefix`; `s3_client` is needed for the latter."""
    parts = urlsplit(url)
    if parts.scheme == "file":
        return FolderStore(Path(unquote(parts.path)))
    if parts.scheme == "s3" and parts.netloc:
        if s3_client is None:
            raise SettingsError(f"{url} needs an S3 client")
        return BucketStore(s3_client, parts.netloc, parts.path.strip("/"), encryption=encryption)
    raise SettingsError(f"LANDING={url!r}: must be file:///folder or s3://bucket/prefix")
