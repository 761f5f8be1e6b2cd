"""An object store in a folder: each object is a file."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from sync_platform.errors import StorageError
from sync_platform.storage.disk_flush import flush_folders
from sync_platform.storage.full_disk import reason_of
from sync_platform.storage.object_store import BLOCK_BYTES, TEMPORARY, ObjectInfo, checked_key, checked_prefix

FOLDER_TRIES = 20


class FolderStore:
    """Objects as files below one folder; a put writes a temporary file and renames it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.url = folder.as_uri()

    def put(self, key: str, body: bytes) -> None:
        self._put(self._path(key), lambda file: file.write(body), lambda path, target: path.replace(target))

    def put_file(self, key: str, path: Path, sha256: bytes) -> None:
        """On the same disk the object is the file itself (a hard link), so the caller must not change it afterwards."""
        target = self._path(key)
        try:
            return self._link(path, target)
        except OSError:  # another disk, or one without links
            pass

        def copy(file: BinaryIO) -> None:
            with path.open("rb") as source:
                shutil.copyfileobj(source, file, BLOCK_BYTES)

        return self._put(target, copy, lambda temporary, target: temporary.replace(target))

    def _link(self, path: Path, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        linked = target.with_name(f"{TEMPORARY}{secrets.token_hex(8)}")
        os.link(path, linked)
        try:
            with linked.open("rb") as file:
                os.fsync(file.fileno())
            linked.replace(target)
            flush_folders(target, self._folder)
        except OSError:
            linked.unlink(missing_ok=True)
            raise

    def put_new(self, key: str, body: bytes) -> None:
        def link(path: Path, target: Path) -> None:
            os.link(path, target)
            path.unlink()

        self._put(self._path(key), lambda file: file.write(body), link)

    def _put(self, target: Path, write: Callable[[BinaryIO], object], publish: Callable[[Path, Path], object]) -> None:
        temporary = ""
        try:
            handle, temporary = _temporary_near(target)
            with os.fdopen(handle, "wb") as file:
                write(file)
                file.flush()
                os.fsync(file.fileno())
            publish(Path(temporary), target)
            flush_folders(target, self._folder)
        except OSError as error:
            if temporary:
                Path(temporary).unlink(missing_ok=True)
            raise _storage_error("write", target, error) from error

    def get(self, key: str) -> bytes:
        try:
            return self._path(key).read_bytes()
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            raise KeyError(key) from None
        except OSError as error:
            raise _storage_error("read", self._path(key), error) from error

    def stream(self, key: str) -> Iterator[bytes]:
        try:
            with self._path(key).open("rb") as file:
                while block := file.read(BLOCK_BYTES):
                    yield block
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            raise KeyError(key) from None
        except OSError as error:
            raise _storage_error("read", self._path(key), error) from error

    def size(self, key: str) -> int | None:
        path = self._path(key)
        try:
            return path.stat().st_size if path.is_file() else None
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _storage_error("read", path, error) from error

    def keys(self, prefix: str = "") -> Iterator[str]:
        start = self._folder / checked_prefix(prefix).rpartition("/")[0]
        try:
            files = (folder / name for folder, names in _walk(start) for name in names)
            keys = sorted(path.relative_to(self._folder).as_posix() for path in files if path.is_file())
        except OSError as error:
            raise _storage_error("list", start, error) from error
        yield from (key for key in keys if key.startswith(prefix) and f"/{TEMPORARY}" not in f"/{key}")

    def entries(self, prefix: str = "") -> Iterator[ObjectInfo]:
        for key in self.keys(prefix):
            try:
                status = self._path(key).stat()
            except FileNotFoundError:
                continue  # deleted since it was listed
            except OSError as error:
                raise _storage_error("list", self._path(key), error) from error
            yield ObjectInfo(key, status.st_size, datetime.fromtimestamp(status.st_mtime, UTC))

    def delete(self, key: str) -> None:
        try:
            self._path(key).unlink(missing_ok=True)
        except (IsADirectoryError, NotADirectoryError):
            return  # part of another object's key, so no object
        except OSError as error:
            raise _storage_error("delete", self._path(key), error) from error

    def sweep(self, prefix: str, before: datetime) -> None:
        start = self._folder / checked_prefix(prefix)
        try:
            for folder, names in _walk(start):
                for path in (folder / name for name in names if name.startswith(TEMPORARY)):
                    with suppress(FileNotFoundError):  # its put renamed it meanwhile
                        if path.stat().st_mtime < before.timestamp():
                            path.unlink()
                if folder != start:  # others may put files into that one by themselves
                    with suppress(OSError):  # not empty
                        folder.rmdir()
        except OSError as error:
            raise _storage_error("sweep", start, error) from error

    def _path(self, key: str) -> Path:
        return self._folder / checked_key(key)


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


def _storage_error(verb: str, path: Path, error: OSError) -> StorageError:
    return StorageError(f"cannot {verb} {path}: {reason_of(error)}")
