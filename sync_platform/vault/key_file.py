"""A key in a file: hex, readable by its owner only, created on first use."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from sync_platform.errors import StorageError
from sync_platform.settings import Settings
from sync_platform.storage.disk_flush import flush_folder
from sync_platform.storage.process_files import draft_of, remove_left_drafts
from sync_platform.vault.master_key import MasterKey

PROPOSED_ENDING = ".next"


def from_key_file(path: Path, *, may_create: bool = True) -> MasterKey:
    """The key in a file; StorageError if it is damaged, or if others can read or change it.

    `may_create`: a file that does not exist is created with a new key; else it is a StorageError.
    """
    try:
        if may_create and not path.exists():
            write_key_file(path, MasterKey.new())
        require_private(path)
        text = path.read_text(errors="replace")
        remove_left_drafts(path)  # each is a copy of a key
    except OSError as error:
        raise StorageError(f"cannot use the master key file {path}: {error.strerror or error}") from error
    return MasterKey.from_text(text, str(path))


def require_private(path: Path) -> None:
    """StorageError, which says what to do, if others than its owner have a right to the file. OSError without it."""
    if not is_private(path.stat(), os.geteuid(), os.getegid()):
        raise StorageError(f"{path} can be read by others: run `chmod 600 {path}`")


def is_private(found: os.stat_result, user: int, group: int) -> bool:
    """True if only its owner has a right to the file; or if root owns it, and only the own group of the user reads it.

    Kubernetes gives a pod the files of a secret in the second way.
    """
    is_given_by_root = found.st_uid == 0 != user and found.st_gid == group
    return not found.st_mode & (0o037 if is_given_by_root else 0o077)


def require_private_key_files(settings: Settings) -> None:
    """StorageError, which says what to do, if others have a right to a key file of the installation that exists."""
    has_file = not (settings.vault_kms_key_id or settings.vault_secret_id)
    for path in ([settings.master_key_file] if has_file else []) + [settings.vault_backup_key]:
        with contextlib.suppress(OSError):  # what cannot be looked at is reported where it is used
            require_private(path)


def write_key_file(path: Path, key: MasterKey) -> None:
    """Write a key to a draft file, then link it: of two processes one wins, and no process reads half a key.

    A file that exists stays as it is.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    remove_left_drafts(path)
    with draft_of(path, 0o600) as (draft, file):
        file.write(f"{key.text}\n".encode())
        file.flush()
        os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    flush_folder(path.parent)


class KeyFile:
    """The master key in a file. A proposed key is beside it, in a file with the ending `.next`."""

    is_outside = False

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = f"the master key file {path}"

    @property
    def _proposed_path(self) -> Path:
        return self.path.with_name(self.path.name + PROPOSED_ENDING)

    def is_present(self) -> bool:
        return self.path.exists()

    def present(self) -> MasterKey | None:
        """The key; None without a file, StorageError as for `from_key_file`."""
        return from_key_file(self.path, may_create=False) if self.path.exists() else None

    def proposed(self) -> MasterKey | None:
        return from_key_file(self._proposed_path, may_create=False) if self._proposed_path.exists() else None

    def create(self) -> MasterKey:
        return from_key_file(self.path)

    def propose(self, key: MasterKey) -> None:
        self._proposed_path.unlink(missing_ok=True)
        write_key_file(self._proposed_path, key)

    def accept(self) -> None:
        with contextlib.suppress(FileNotFoundError):  # another process accepted it
            self._proposed_path.replace(self.path)
        flush_folder(self.path.parent)
