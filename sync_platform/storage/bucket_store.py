"""An object store in an S3 bucket."""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Self, TypeVar

from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential, wait_random

from sync_platform.errors import StorageError
from sync_platform.storage.environment_proxy import with_named_proxy
from sync_platform.storage.object_store import BLOCK_BYTES, ObjectInfo, checked_key, checked_prefix

if TYPE_CHECKING:
    from boto3.s3.transfer import TransferConfig
    from mypy_boto3_s3 import S3Client

T = TypeVar("T")
LARGEST_SINGLE_PUT_BYTES = 1 << 30
PART_BYTES = 16 << 20
BUSY_ATTEMPTS = 9
BUSY_STATUSES = frozenset({429, 503})
FAILED_STATUSES = BUSY_STATUSES | {500, 502, 504}


@dataclass(frozen=True)
class ServerEncryption:
    """The server-side encryption that every put asks for.

    `options`: parameters of PutObject. `may_be_missing`: whether a server that answers NotImplemented gets the object
    without it.
    """

    options: Mapping[str, str]
    may_be_missing: bool

    @classmethod
    def of_bucket(cls) -> Self:
        """Encryption with a key that the server manages."""
        return cls({"ServerSideEncryption": "AES256"}, may_be_missing=True)

    @classmethod
    def with_kms(cls, key_id: str) -> Self:
        return cls({"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key_id}, may_be_missing=False)

    @classmethod
    def none(cls) -> Self:
        return cls({}, may_be_missing=False)


class BucketStore:
    """Objects in one S3 bucket, below an optional prefix.

    A server that is busy (`SlowDown`), fails or drops a connection is asked again for a minute, less and less often.
    """

    def __init__(
        self,
        client: S3Client,
        bucket: str,
        prefix: str = "",
        sleep: Callable[[float], None] = time.sleep,
        encryption: ServerEncryption | None = None,
    ) -> None:
        """`encryption`: what a put asks of the server. It then sends its SHA-256 too, which the server checks."""
        self._client, self._bucket, self._prefix = client, bucket, f"{prefix}/" if prefix else ""
        self._sleep, self._encryption = sleep, encryption
        self.url = f"s3://{bucket}/{prefix}".rstrip("/")

    def put(self, key: str, body: bytes) -> None:
        self._put(key, lambda options: self._put_body(key, body, options), hashlib.sha256(body).digest())

    def put_new(self, key: str, body: bytes) -> None:
        self._put(
            key,
            lambda options: self._put_body(key, body, {**options, "IfNoneMatch": "*"}),
            hashlib.sha256(body).digest(),
            BUSY_STATUSES,  # after another failure the object may exist already
        )

    def put_file(self, key: str, path: Path, sha256: bytes) -> None:
        def put(options: Mapping[str, str]) -> None:
            with path.open("rb") as file:
                self._put_body(key, file, options)

        def put_in_parts(options: Mapping[str, str]) -> None:
            extra = {name: value for name, value in options.items() if name != "ChecksumSHA256"}
            self._client.upload_file(str(path), self._bucket, self._key(key), extra, None, _transfer_in_parts())

        self._put(key, put if path.stat().st_size < LARGEST_SINGLE_PUT_BYTES else put_in_parts, sha256)

    def _put_body(self, key: str, body: bytes | BinaryIO, options: Mapping[str, str]) -> None:
        self._client.put_object(Bucket=self._bucket, Key=self._key(key), Body=body, **options)  # type: ignore[arg-type]

    def _put(
        self,
        key: str,
        put: Callable[[Mapping[str, str]], object],
        sha256: bytes,
        retried_statuses: frozenset[int] = FAILED_STATUSES,
    ) -> None:
        """Put with the options that are asked of the server; without encryption where the server has none to offer."""
        if self._encryption is None:
            self._call("write", key, lambda: put({}), retried_statuses)
            return
        checksum = {"ChecksumSHA256": base64.b64encode(sha256).decode()}
        try:
            self._call("write", key, lambda: put({**checksum, **self._encryption_options()}), retried_statuses)
        except StorageError as error:
            if not self._encryption.may_be_missing or not _is_not_implemented(error):
                raise
            self._encryption = ServerEncryption.none()
            self._call("write", key, lambda: put(checksum), retried_statuses)

    def _encryption_options(self) -> Mapping[str, str]:
        return self._encryption.options if self._encryption else {}

    def get(self, key: str) -> bytes:
        def read() -> bytes:
            return self._client.get_object(Bucket=self._bucket, Key=self._key(key))["Body"].read()

        return self._call("read", key, read)

    def stream(self, key: str) -> Iterator[bytes]:
        """A read that breaks off continues where it stopped."""
        offset, tag, size = 0, "", 0
        body: Any = None

        def opened() -> Any:
            nonlocal tag, size
            wanted = {"Range": f"bytes={offset}-", "IfMatch": tag} if offset else {}
            answer = self._client.get_object(Bucket=self._bucket, Key=self._key(key), **wanted)  # type: ignore[arg-type]
            tag, size = answer["ETag"], offset + answer["ContentLength"]
            return answer["Body"]

        def block() -> bytes:
            nonlocal body
            if body is None:
                body = opened()
            try:
                content: bytes = body.read(BLOCK_BYTES)
            except BaseException:
                body = None
                raise
            return content

        while not tag or offset < size:
            read = self._call("read", key, block)
            if not read and offset < size:
                raise StorageError(f"cannot read {self.url}/{key}: it ended after {offset:,} of {size:,} bytes")
            offset += len(read)
            if read:
                yield read

    def size(self, key: str) -> int | None:
        def head() -> int:
            return self._client.head_object(Bucket=self._bucket, Key=self._key(key))["ContentLength"]

        try:
            return self._call("read", key, head)
        except KeyError:
            return None

    def keys(self, prefix: str = "") -> Iterator[str]:
        yield from (entry.key for entry in self.entries(prefix))

    def entries(self, prefix: str = "") -> Iterator[ObjectInfo]:
        def pages() -> list[ObjectInfo]:
            paginator = self._client.get_paginator("list_objects_v2")
            return [
                ObjectInfo(item["Key"].removeprefix(self._prefix), item["Size"], item["LastModified"].astimezone(UTC))
                for page in paginator.paginate(Bucket=self._bucket, Prefix=self._prefix + checked_prefix(prefix))
                for item in page.get("Contents", [])
            ]

        yield from sorted(self._call("list", prefix, pages), key=lambda entry: entry.key)

    def delete(self, key: str) -> None:
        self._call("delete", key, lambda: self._client.delete_object(Bucket=self._bucket, Key=self._key(key)))

    def sweep(self, prefix: str, before: datetime) -> None:
        """Does nothing: a killed put leaves nothing in a bucket, and a bucket has no folders."""

    def _key(self, key: str) -> str:
        return self._prefix + checked_key(key)

    def _call(
        self, verb: str, key: str, action: Callable[[], T], retried_statuses: frozenset[int] = FAILED_STATUSES
    ) -> T:
        from botocore import exceptions
        from botocore.exceptions import BotoCoreError, ClientError

        broken = (
            exceptions.ConnectionClosedError,
            exceptions.ReadTimeoutError,
            exceptions.ResponseStreamingError,
            exceptions.IncompleteReadError,
        )

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
            reason = f"{code}: there is no bucket {self._bucket}" if code == "NoSuchBucket" else code or error
            raise StorageError(f"cannot {verb} {self.url}/{key}: {reason}") from error
        except BotoCoreError as error:
            raise StorageError(f"cannot {verb} {self.url}/{key}: {with_named_proxy(str(error))}") from error


def _transfer_in_parts() -> TransferConfig:
    """Parts of a large object, two at a time: 10,000 parts are 160 GB, and the memory stays small."""
    from boto3.s3.transfer import TransferConfig

    return TransferConfig(multipart_threshold=PART_BYTES, multipart_chunksize=PART_BYTES, max_concurrency=2)


def _is_not_implemented(error: StorageError) -> bool:
    """True if the server does not know a part of the request."""
    cause = error.__cause__
    return bool(getattr(cause, "response", {}).get("Error", {}).get("Code") == "NotImplemented")
