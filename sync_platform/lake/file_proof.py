"""The file proof: every file of the lake still has the bytes that it had when it was first seen.

DuckDB reads a flipped bit of an unencrypted Parquet file as a wrong value, without an error. So the SHA-256 of each new
file is recorded at the end of the run that wrote it. A file of a killed run is recorded by the next run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from sync_platform.errors import StorageError
from sync_platform.lake.catalog_files import CatalogFile, list_files
from sync_platform.storage.file_lists import BEFORE_FIRST_FILE, FileList, FileLists
from sync_platform.storage.lake_connection import Lake
from sync_platform.storage.object_digest import ObjectDigest, digest_of
from sync_platform.storage.object_store import ObjectStore

READERS = 4
APPEND_ATTEMPTS = 100
MAX_NAMED = 3
NOT_APPENDED = f"the file lists: {APPEND_ATTEMPTS} attempts to append failed: other processes append all the time"


@dataclass(frozen=True)
class DamagedFile:
    """A file that is not what it was, and how, in words."""

    file: CatalogFile
    problem: str

    def __str__(self) -> str:
        return f"{self.file.path} of {self.file.schema}.{self.file.table}: {self.problem}"


@dataclass
class FileCheck:
    """What a check of every file found. `unrecorded`: files that no run has recorded yet."""

    files: int = 0
    unrecorded: int = 0
    damaged: list[DamagedFile] = field(default_factory=list)
    damaged_lists: list[tuple[FileList, str]] = field(default_factory=list)


@dataclass(frozen=True)
class FileProof:
    """The files of a lake, in the store of its data, and the lists of their digests."""

    lake: Lake
    data: ObjectStore
    lists: FileLists

    def record_new(self) -> int:
        """Record every file that came since the last list; the number of them. StorageError where a store fails.

        A file that is gone, or has another size than the lake committed, is not recorded: `check` finds it.
        """
        for _ in range(APPEND_ATTEMPTS):
            last = self.lists.last()
            new = self._list(last.through if last else BEFORE_FIRST_FILE)
            if not new:
                return 0
            files = {
                file.path: digest for file, digest in self._read(new) if digest and digest.size_bytes == file.size_bytes
            }
            if self.lists.append("new", max(file.number for file in new), files, last):
                return len(files)
        raise StorageError(NOT_APPENDED)

    def record_restored(self) -> None:
        """Record every file of a lake that was just restored, in place of the lists of the lake before it."""
        for _ in range(APPEND_ATTEMPTS):
            last, files = self.lists.last(), self._list(BEFORE_FIRST_FILE)
            read = {file.path: digest for file, digest in self._read(files) if digest}
            if self.lists.append("all", max((file.number for file in files), default=BEFORE_FIRST_FILE), read, last):
                return
        raise StorageError(NOT_APPENDED)

    def check(self) -> FileCheck:
        """Read every file, and compare its size with the catalog's and its SHA-256 with the recorded one."""
        recorded, damaged_lists = self.lists.read()
        files = self._list(BEFORE_FIRST_FILE)
        check = FileCheck(len(files), damaged_lists=damaged_lists)
        for file, digest in self._read(files):
            check.unrecorded += file.path not in recorded
            if problem := _problem(file, digest, recorded.get(file.path)):
                check.damaged.append(DamagedFile(file, problem))
        if check.damaged:  # maintenance may have deleted a file since the files were listed
            present = {file.path for file in self._list(BEFORE_FIRST_FILE)}
            check.damaged = [each for each in check.damaged if each.file.path in present]
        return check

    def require_intact(self) -> None:
        """Raise StorageError, naming the first files, where a file or a list is damaged."""
        check = self.check()
        problems = [
            *map(str, check.damaged),
            *(f"file list {each.number}: {what}" for each, what in check.damaged_lists),
        ]
        if problems:
            more = f", and {len(problems) - MAX_NAMED:,} more" if len(problems) > MAX_NAMED else ""
            raise StorageError(
                f"the lake's files are damaged, and nothing was changed: {'; '.join(problems[:MAX_NAMED])}{more}; "
                "restore the lake from its backup"
            )

    def replace_lists(self) -> None:
        """Write one list of all present files, in place of the lists before it. The files were checked before."""
        last = self.lists.last()
        if last is None or last.kind == "all":
            return
        recorded, _ = self.lists.read()
        files = {file.path: recorded[file.path] for file in self._list(BEFORE_FIRST_FILE) if file.path in recorded}
        self.lists.append("all", last.through, files, last)  # another process was first: the next maintenance does it

    def _list(self, after: int) -> list[CatalogFile]:
        with self.lake.session() as session:
            return list_files(session, after)

    def _read(self, files: Iterable[CatalogFile]) -> Iterator[tuple[CatalogFile, ObjectDigest | None]]:
        """The files with their digests, in order; None for a file that is gone."""
        with ThreadPoolExecutor(READERS) as readers:
            yield from readers.map(lambda file: (file, self._digest(file.path)), files)

    def _digest(self, path: str) -> ObjectDigest | None:
        try:
            return digest_of(self.data, path)
        except KeyError:
            return None


def _problem(file: CatalogFile, digest: ObjectDigest | None, recorded: ObjectDigest | None) -> str | None:
    """How a file differs from what was committed and recorded, in words; None where it does not."""
    if digest is None:
        return "it is gone"
    if digest.size_bytes != file.size_bytes:
        return f"it has {digest.size_bytes:,} bytes, and the lake committed {file.size_bytes:,}"
    if recorded is not None and digest.sha256 != recorded.sha256:
        return f"its bytes were changed: it had the SHA-256 {recorded.sha256}, and has {digest.sha256}"
    return None
