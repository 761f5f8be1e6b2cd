"""Where a restore goes: a folder that becomes a fresh home, or this installation by the name of its environment."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import msgspec

from sync_platform.backup.chosen_commit import ChosenCommit
from sync_platform.errors import UsageError
from sync_platform.settings import Settings
from sync_platform.storage.lake_address import LakeAddress

ENVIRONMENTS: tuple[str, ...] = get_args(Settings.model_fields["environment"].annotation)
MARK, FINISHED_MARK = "restore-unfinished.json", "restored-from.json"
MARK_DRAFT = f".{MARK}.draft"


class RestoreMark(msgspec.Struct, frozen=True):
    """The content of the mark of a restore: the backup and the commit in it."""

    backup_id: str
    snapshot: int


@dataclass(frozen=True)
class FreshHome:
    """A folder that becomes a home, with its lake, its ledger and its vault."""

    folder: Path

    @property
    def lake(self) -> LakeAddress:
        lake = self.folder / "lake"
        return LakeAddress(f"sqlite:{lake / 'catalog.sqlite'}", str(lake / "data"), self.folder / "temp")

    @property
    def ledger_url(self) -> str:
        return f"sqlite:///{self.folder / 'ledger.sqlite'}"

    @property
    def vault_url(self) -> str:
        return f"sqlite:///{self.folder / 'vault' / 'vault.sqlite'}"

    def require_empty(self, chosen: ChosenCommit) -> None:
        """UsageError where the folder has anything but an unfinished restore of the same commit."""
        if not self.folder.exists():
            return
        if not self.folder.is_dir():
            raise UsageError(f"--target {self.folder}: it is a file, and not a folder")
        mark, finished = self._mark(MARK), self._mark(FINISHED_MARK)
        if finished is not None:
            raise UsageError(
                f"--target {self.folder}: it already has the whole restore of {finished.backup_id}, commit "
                f"{finished.snapshot}; name a new folder for another. Nothing was restored"
            )
        if mark is None and any(each.name != MARK_DRAFT for each in self.folder.iterdir()):
            raise UsageError(
                f"--target {self.folder}: it is not empty; name a new folder, or the environment of this installation "
                "to restore into its lake. Nothing was restored"
            )
        if mark is not None and mark != _mark_of(chosen):
            raise UsageError(
                f"--target {self.folder}: it has an unfinished restore of {mark.backup_id}, commit {mark.snapshot}: "
                "repeat that one, or delete the folder"
            )

    def begin(self, chosen: ChosenCommit) -> None:
        """Mark the folder as unfinished."""
        self.folder.mkdir(parents=True, exist_ok=True)
        draft = self.folder / MARK_DRAFT
        draft.write_bytes(msgspec.json.encode(_mark_of(chosen)))
        draft.replace(self.folder / MARK)

    def finish(self) -> None:
        """Mark the folder as whole."""
        (self.folder / MARK).replace(self.folder / FINISHED_MARK)

    def _mark(self, name: str) -> RestoreMark | None:
        try:
            return msgspec.json.decode((self.folder / name).read_bytes(), type=RestoreMark)
        except FileNotFoundError:
            return None
        except (msgspec.DecodeError, UnicodeDecodeError):
            return RestoreMark("an unknown backup", 0)


def target_of(text: str, settings: Settings) -> FreshHome | None:
    """The fresh home that `--target` names; None for this installation. UsageError for another environment."""
    if text == settings.environment:
        return None
    if text in ENVIRONMENTS:
        raise UsageError(
            f"--target {text}: this installation is {settings.environment} (ENVIRONMENT): run the restore on {text}, "
            f"or name {settings.environment} or a new folder"
        )
    folder = Path(text).expanduser().absolute()
    if folder == settings.home:
        raise UsageError(
            f"--target {text}: this is the home of this installation; to restore into it, name its environment: "
            f"--target {settings.environment}"
        )
    return FreshHome(folder)


def _mark_of(chosen: ChosenCommit) -> RestoreMark:
    return RestoreMark(chosen.manifest.id, chosen.commit.snapshot)
