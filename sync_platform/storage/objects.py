"""Object stores: a folder or an S3 bucket with the same operations. What the objects mean does not belong here."""

from __future__ import annotations

import os
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar
from urllib.parse import unquote, urlsplit

from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential, wait_random

from sync_platform.errors import SettingsError, StorageError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

T = TypeVar("T")
TEMPORARY = ".put-"  # files that a put has not yet renamed
FOLDER_TRIES = 20
BUSY_ATTEMPTS = 9
BUSY_STATUSES = frozenset({429, 503})
FAILED_STATUSES = BUSY_STATUSES | {500, 502, 504}
ODD = re.compile(r"[\\\x00-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True)
class ObjectInfo:
    """One object as listed; `modified_at` is UTC."""

    key: str
    size_bytes: int
    modified_at: datetime


class ObjectStore(Protocol):
    """Bytes by key. Keys are `/`-separated; a put is atomic: readers see the whole object or none.

    Every operation raises StorageError, naming the object, where the store fails.
    """

    url: str

    def put(self, key: str, body: bytes) -> None: ...

    def put_new(self, key: str, body: bytes) -> None:
        """Put an object that must not exist yet; StorageError where it does, and the old object stays unchanged."""
        ...

    def get(self, key: str) -> bytes:
        """The object's bytes; KeyError where there is none."""
        ...

    def keys(self, prefix: str = "") -> Iterator[str]:
        """Keys below a prefix, sorted."""
        ...

    def entries(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """Objects below a prefix with size and time, in order of their keys."""
        ...

    def delete(self, key: str) -> None:
        """Delete an object; no error where it does not exist."""
        ...

    def sweep(self, prefix: str, before: datetime) -> None:
        """Remove files below `folder/` that killed puts left before that time, and empty folders."""
        ...


def open_store(url: str, s3_client: S3Client | None = None) -> ObjectStore:
    """The store at `file:///folder` or `s3://bucket/prefix`; `s3_client` is needed for the latter."""
    parts = urlsplit(url)
    if parts.scheme == "file":
        return FolderStore(Path(unquote(parts.path)))
    if parts.scheme == "s3" and parts.netloc:
        if s3_client is None:
            raise SettingsError(f"{url} needs an S3 client")
        return BucketStore(s3_client, parts.netloc, parts.path.strip("/"))
    raise SettingsError(f"LANDING={url!r}: must be file:///folder or s3://bucket/prefix")


class FolderStore:
    """Objects as files below one folder; a put writes a temporary file and renames it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.url = folder.as_uri()

    def put(self, key: str, body: bytes) -> None:
        self._put(self._path(key), body, lambda written, target: written.replace(target))

    def put_new(self, key: str, body: bytes) -> None:
        def link(written: Path, target: Path) -> None:
            os.link(written, target)
            written.unlink()

        self._put(self._path(key), body, link)

    def _put(self, target: Path, body: bytes, publish: Callable[[Path, Path], object]) -> None:
        temporary = ""
        try:
            handle, temporary = _temporary_near(target)
            with os.fdopen(handle, "wb") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            publish(Path(temporary), target)
        except OSError as error:
            if temporary:
                Path(temporary).unlink(missing_ok=True)
            raise _unusable("write", target, error) from error

    def get(self, key: str) -> bytes:
        try:
            return self._path(key).read_bytes()
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            raise KeyError(key) from None
        except OSError as error:
            raise _unusable("read", self._path(key), error) from error

    def keys(self, prefix: str = "") -> Iterator[str]:
        start = self._folder / _checked_prefix(prefix).rpartition("/")[0]
        try:
            files = (folder / name for folder, names in _walk(start) for name in names)
            found = sorted(path.relative_to(self._folder).as_posix() for path in files if path.is_file())
        except OSError as error:
            raise _unusable("list", start, error) from error
        yield from (key for key in found if key.startswith(prefix) and f"/{TEMPORARY}" not in f"/{key}")

    def entries(self, prefix: str = "") -> Iterator[ObjectInfo]:
        for key in self.keys(prefix):
            try:
                found = self._path(key).stat()
            except FileNotFoundError:
                continue  # deleted since it was listed
            except OSError as error:
                raise _unusable("list", self._path(key), error) from error
            yield ObjectInfo(key, found.st_size, datetime.fromtimestamp(found.st_mtime, UTC))

    def delete(self, key: str) -> None:
        try:
            self._path(key).unlink(missing_ok=True)
        except (IsADirectoryError, NotADirectoryError):
            return  # part of another object's key, so no object
        except OSError as error:
            raise _unusable("delete", self._path(key), error) from error

    def sweep(self, prefix: str, before: datetime) -> None:
        start = self._path(prefix.rstrip("/"))
        try:
            for folder, names in _walk(start):
                for path in (folder / name for name in names if name.startswith(TEMPORARY)):
                    with suppress(FileNotFoundError):  # its put renamed it meanwhile
                        if path.stat().st_mtime < before.timestamp():
                            path.unlink()
                with suppress(OSError):  # not empty
                    folder.rmdir()
        except OSError as error:
            raise _unusable("sweep", start, error) from error

    def _path(self, key: str) -> Path:
        return self._folder / _checked(key)


class BucketStore:
    """Objects in one S3 bucket, below an optional prefix.

    A server that is busy (`SlowDown`) or fails is asked again for at least 40 seconds, less and less often.
    """

    def __init__(
        self, client: S3Client, bucket: str, prefix: str = "", sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._client, self._bucket, self._prefix = client, bucket, f"{prefix}/" if prefix else ""
        self._sleep = sleep
        self.url = f"s3://{bucket}/{prefix}".rstrip("/")

    def put(self, key: str, body: bytes) -> None:
        self._call("write", key, lambda: self._client.put_object(Bucket=self._bucket, Key=self._key(key), Body=body))

    def put_new(self, key: str, body: bytes) -> None:
        self._call(
            "write",
            key,
            lambda: self._client.put_object(Bucket=self._bucket, Key=self._key(key), Body=body, IfNoneMatch="*"),
            BUSY_STATUSES,  # after another failure the object may exist already
        )

    def get(self, key: str) -> bytes:
        def read() -> bytes:
            return self._client.get_object(Bucket=self._bucket, Key=self._key(key))["Body"].read()

        return self._call("read", key, read)

    def keys(self, prefix: str = "") -> Iterator[str]:
        yield from (entry.key for entry in self.entries(prefix))

    def entries(self, prefix: str = "") -> Iterator[ObjectInfo]:
        def pages() -> list[ObjectInfo]:
            paginator = self._client.get_paginator("list_objects_v2")
            return [
                ObjectInfo(item["Key"].removeprefix(self._prefix), item["Size"], item["LastModified"].astimezone(UTC))
                for page in paginator.paginate(Bucket=self._bucket, Prefix=self._prefix + _checked_prefix(prefix))
                for item in page.get("Contents", [])
            ]

        yield from sorted(self._call("list", prefix, pages), key=lambda entry: entry.key)

    def delete(self, key: str) -> None:
        self._call("delete", key, lambda: self._client.delete_object(Bucket=self._bucket, Key=self._key(key)))

    def sweep(self, prefix: str, before: datetime) -> None:
        """Does nothing: a killed put leaves nothing in a bucket, and a bucket has no folders."""

    def _key(self, key: str) -> str:
        return self._prefix + _checked(key)

    def _call(
        self, verb: str, key: str, action: Callable[[], T], retried_statuses: frozenset[int] = FAILED_STATUSES
    ) -> T:
        from botocore import exceptions
        from botocore.exceptions import BotoCoreError, ClientError

        broken = exceptions.ReadTimeoutError, exceptions.ResponseStreamingError, exceptions.IncompleteReadError

        def is_retried(error: BaseException) -> bool:
            if isinstance(error, ClientError):
                return error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") in retried_statuses
            return isinstance(error, broken) and retried_statuses == FAILED_STATUSES

        retrying = Retrying(
            retry=retry_if_exception(is_retried),
            stop=stop_after_attempt(BUSY_ATTEMPTS),
            wait=wait_exponential(0.5, max=16) + wait_random(0, 0.5),
            sleep=self._sleep,
            reraise=True,
        )
        try:
            return retrying(action)
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            if verb == "read" and code in ("NoSuchKey", "404"):
                raise KeyError(key) from None
            raise StorageError(f"cannot {verb} {self.url}/{key}: {code or error}") from error
        except BotoCoreError as error:
            raise StorageError(f"cannot {verb} {self.url}/{key}: {error}") from error


def _walk(start: Path) -> Iterator[tuple[Path, list[str]]]:
    """Each folder with the names of its files, deepest folders first; a folder that disappears is skipped."""

    def unless_gone(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError | NotADirectoryError):
            raise error

    for folder, _, names in os.walk(start, topdown=False, onerror=unless_gone):
        yield Path(folder), names


def _temporary_near(target: Path) -> tuple[int, str]:
    """A new open file in the target's folder; tries again where a sweep removed the empty folder."""
    for _ in range(FOLDER_TRIES):
        with suppress(FileNotFoundError):
            target.parent.mkdir(parents=True, exist_ok=True)
            return tempfile.mkstemp(dir=target.parent, prefix=TEMPORARY)
    raise FileNotFoundError(2, "its folder keeps vanishing", str(target.parent))


def _checked(key: str) -> str:
    """The key; StorageError where a folder and a bucket would read it differently, or where it leaves the store."""
    odd = any(part in ("", ".", "..") or part.startswith(TEMPORARY) for part in key.split("/"))
    if odd or ODD.search(key):
        raise StorageError(f"{key!r} is not an object key")
    return key


def _checked_prefix(prefix: str) -> str:
    """The prefix; StorageError where no valid key begins with it."""
    _checked(f"{prefix}x")
    return prefix


def _unusable(verb: str, path: Path, error: OSError) -> StorageError:
    return StorageError(f"cannot {verb} {path}: {error.strerror or error}")
