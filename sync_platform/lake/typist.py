"""A process beside a sync that makes rows of what is landed while more is still being fetched.

Nothing depends on it: whatever it did not make, or not of just the objects that the manifest names, is made by whoever
asks (lake/rows.py). It reads the objects from the landing store, each proved against its digest, and keeps the rows as
an Arrow stream in a file without a name, which ends with the processes that hold it (1.3 GB for a million records).
"""

from __future__ import annotations

import multiprocessing
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import IO, Protocol, Self

import pyarrow as pa

from sync_platform.errors import StorageError
from sync_platform.lake.row_maker import Remarks, RowMaker
from sync_platform.landing.manifest import Manifest
from sync_platform.landing.reader import read_object
from sync_platform.sources.declaration import Dataset, Platform
from sync_platform.storage.objects import ObjectStore

OUT_OF_REACH = (OSError, EOFError)  # of a pipe whose other end is gone
UNMAKEABLE = (StorageError, OSError)


@dataclass(frozen=True)
class Made:
    """The rows of one landed dataset, to be read once, and what is told of its records."""

    rows: pa.RecordBatchReader
    remarks: Remarks


class Typist(Protocol):
    """Whoever makes rows of landed objects before they are asked for."""

    def landed(self, dataset: str, key: str, digest: str) -> None:
        """An object of a dataset stands in the landing store, under this key and with this SHA-256 (hex)."""

    def rows_of(self, manifest: Manifest) -> Made | None:
        """The rows of just the objects that the manifest names, waiting until they are made; None where nobody has
        made them, and the second time."""


class Nobody:
    """Rows are made by whoever asks for them."""

    def landed(self, dataset: str, key: str, digest: str) -> None: ...

    def rows_of(self, manifest: Manifest) -> Made | None:
        return None


NOBODY = Nobody()


class TypistProcess:
    """A typist for one sync of one platform; use as a context manager, from any thread, one at a time.

    Forks: to be started before the process has threads. StorageError where `temp` cannot be written.
    """

    def __init__(self, platform: Platform, open_store: Callable[[], ObjectStore], temp: Path) -> None:
        self._lock = threading.Lock()
        try:
            temp.mkdir(parents=True, exist_ok=True)
            self._files = {
                dataset.name: tempfile.TemporaryFile(dir=temp)  # noqa: SIM115 - __exit__ closes it
                for dataset in platform.datasets
            }
        except OSError as error:
            raise StorageError(f"{temp} cannot be written ({error.strerror or error})") from error
        context = multiprocessing.get_context("fork")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(
            target=_work, args=(theirs, self._connection, platform, open_store, self._files), daemon=True
        )
        self._process.start()
        theirs.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()
        self._process.kill()
        self._process.join()
        for file in self._files.values():
            file.close()

    def landed(self, dataset: str, key: str, digest: str) -> None:
        with self._lock, suppress(*OUT_OF_REACH):
            self._connection.send((dataset, key, digest))

    def rows_of(self, manifest: Manifest) -> Made | None:
        try:
            with self._lock:
                self._connection.send((manifest.dataset,))
                answer: _Answer | None = self._connection.recv()
        except OUT_OF_REACH:
            return None
        if answer is None or list(answer[0].items()) != list(manifest.objects.items()):
            return None
        file = self._files[manifest.dataset]
        file.seek(0)
        return Made(pa.ipc.open_stream(file), answer[1])


_Answer = tuple[dict[str, str], Remarks]
"""The objects that rows were made of, each key with its SHA-256, and what is told of their records."""


class _Dataset:
    """One dataset in the making; over once it was asked for, or could not be made."""

    def __init__(self, dataset: Dataset, store: ObjectStore, file: IO[bytes]) -> None:
        self._maker, self._store, self._file = RowMaker(dataset), store, file
        self._stream = pa.ipc.new_stream(file, self._maker.schema)
        self._objects: dict[str, str] = {}
        self._is_over = False

    def take(self, key: str, digest: str) -> None:
        if self._is_over:
            return
        try:
            self._write(self._maker.take(key, read_object(self._store, key, digest)))
        except UNMAKEABLE:  # whoever asks for the rows will meet it too, and say so
            self._is_over = True
        self._objects[key] = digest

    def finish(self) -> _Answer | None:
        if self._is_over:
            return None
        self._is_over = True
        try:
            self._write(self._maker.rest())
            self._stream.close()
            self._file.flush()
        except UNMAKEABLE:
            return None
        return self._objects, self._maker.remarks()

    def _write(self, batches: Iterator[pa.RecordBatch]) -> None:
        for batch in batches:
            self._stream.write_batch(batch)


def _work(
    connection: Connection,
    theirs: Connection,
    platform: Platform,
    open_store: Callable[[], ObjectStore],
    files: dict[str, IO[bytes]],
) -> None:
    """What the process does until every dataset was asked for, or nobody holds the other end of the connection."""
    theirs.close()
    store = open_store()
    making: dict[str, _Dataset] = {}
    unasked = set(files)
    with suppress(EOFError):
        while unasked:
            name, *landed = connection.recv()
            if landed and name not in making:
                making[name] = _Dataset(platform.dataset(name), store, files[name])
            if landed:
                making[name].take(*landed)
            else:
                connection.send(making[name].finish() if name in making else None)
                unasked.discard(name)
