"""A row worker: a background process that parses landed objects into rows while fetching continues.

The worker is an optimisation. If it did not parse exactly the objects that the manifest names, the caller parses them
itself (lake/rows.py). The worker reads each object from the landing store, checks it against its digest, and writes the
rows as an Arrow stream to an unnamed temporary file, which is deleted when the processes that have it open end (1.3 GB
for a million records).
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
from typing import IO, Any, Protocol, Self

import pyarrow as pa

from sync_platform.errors import StorageError
from sync_platform.lake.row_maker import RecordSummary, RowMaker
from sync_platform.landing.manifest import Manifest
from sync_platform.landing.reader import read_object
from sync_platform.logs.crash import crash_reported
from sync_platform.sources.declaration import Dataset, Platform
from sync_platform.storage.object_store import ObjectStore

PIPE_CLOSED = (OSError, EOFError)
UNREADABLE = (StorageError, OSError)


@dataclass(frozen=True)
class ParsedRows:
    """The rows of one landed dataset, which can be read once, and the summary of its records."""

    rows: pa.RecordBatchReader
    summary: RecordSummary


class RowWorker(Protocol):
    """Parses landed objects into rows before the rows are needed."""

    def parse(self, dataset: str, key: str, digest: str) -> None:
        """Parse an object of a dataset; `key` is its key in the landing store, `digest` its SHA-256 (hex)."""

    def rows_of(self, manifest: Manifest) -> ParsedRows | None:
        """The rows of exactly the objects that the manifest names; waits until all are parsed.

        None if exactly these objects were not parsed, and for a second call.
        """


class NoRowWorker:
    """A row worker that parses nothing: the caller parses the rows."""

    def parse(self, dataset: str, key: str, digest: str) -> None: ...

    def rows_of(self, manifest: Manifest) -> ParsedRows | None:
        return None


NO_ROW_WORKER = NoRowWorker()


class RowWorkerProcess:
    """A row worker for one sync of one platform; a context manager. Any thread may call it; calls wait for each other.

    It forks, so it must start before the process has threads. Raises StorageError where `temp` cannot be written.
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
            target=_work_or_report, args=(theirs, self._connection, platform, open_store, self._files), daemon=True
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

    def parse(self, dataset: str, key: str, digest: str) -> None:
        with self._lock, suppress(*PIPE_CLOSED):
            self._connection.send((dataset, key, digest))

    def rows_of(self, manifest: Manifest) -> ParsedRows | None:
        try:
            with self._lock:
                self._connection.send((manifest.dataset,))
                answer: _Answer | None = self._connection.recv()
        except PIPE_CLOSED:
            return None
        if answer is None or list(answer[0].items()) != list(manifest.objects.items()):
            return None
        file = self._files[manifest.dataset]
        file.seek(0)
        return ParsedRows(pa.ipc.open_stream(file), answer[1])


_Answer = tuple[dict[str, str], RecordSummary]
"""The SHA-256 of each parsed object by its key, and the summary of their records."""


class _DatasetParser:
    """Parses the objects of one dataset until `finish` is called or an object cannot be read."""

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
        except UNREADABLE:  # the caller then parses the rows, gets the same error, and reports it
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
        except UNREADABLE:
            return None
        return self._objects, self._maker.summary()

    def _write(self, batches: Iterator[pa.RecordBatch]) -> None:
        for batch in batches:
            self._stream.write_batch(batch)


def _work_or_report(*arguments: Any) -> None:
    with crash_reported():
        _work(*arguments)


def _work(
    connection: Connection,
    theirs: Connection,
    platform: Platform,
    open_store: Callable[[], ObjectStore],
    files: dict[str, IO[bytes]],
) -> None:
    """The main function of the process. It ends when the rows of every dataset were requested or the pipe is closed."""
    theirs.close()
    store = open_store()
    parsers: dict[str, _DatasetParser] = {}
    not_requested = set(files)
    with suppress(EOFError):
        while not_requested:
            name, *landed = connection.recv()
            if landed and name not in parsers:
                parsers[name] = _DatasetParser(platform.dataset(name), store, files[name])
            if landed:
                parsers[name].take(*landed)
            else:
                connection.send(parsers[name].finish() if name in parsers else None)
                not_requested.discard(name)
