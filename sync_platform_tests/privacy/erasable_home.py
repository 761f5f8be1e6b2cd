"""A home of one small platform with persons, backed up, whose persons tests erase."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import MappingProxyType

from sync_platform.defs.erasures import erased_installation
from sync_platform.privacy.erased_installation import ErasedInstallation
from sync_platform.privacy.erasure import confirm_erasure, request_erasure
from sync_platform.privacy.erasure_ledger import ErasureLedger
from sync_platform.privacy.erasure_record import Erasure
from sync_platform.privacy.legal_holds import LegalHolds
from sync_platform.settings import load_settings
from sync_platform.sources.received import Record
from sync_platform.vault.key_file import write_key_file
from sync_platform.vault.master_key import MasterKey
from sync_platform_tests.cli.conftest import Shell
from sync_platform_tests.lake.guest_book import ADA, BEN, guest_book
from sync_platform_tests.lake.harness import LakeHarness, begin_log

PLATFORM_FILE = """
from sync_platform_tests.lake.guest_book import guest_book


class GuestBook(type(guest_book())):
    pass
"""
NAME = "guestbook"


class ErasableHome:
    """The home in a new folder, with a sync of two guests, a backup, and a backup of the vault.

    `environment`: the settings of an installation that is not below the home.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str] = MappingProxyType({})) -> None:
        platforms = folder / "platforms"
        platforms.mkdir(parents=True)
        (platforms / "guestbook.py").write_text(PLATFORM_FILE)
        self.shell = Shell(folder / "home", {"PLATFORM_PATH": str(platforms), **environment})
        self.settings = load_settings(sync_home=self.shell.home, platform_path=str(platforms))
        self.settings.master_key_file.parent.mkdir(parents=True)
        write_key_file(self.settings.master_key_file, MasterKey(bytes(32)))
        begin_log(self.shell.home)
        self.book = LakeHarness(self.shell.home, guest_book())
        self.sync([ADA, BEN], hour=1)
        for command in (("backup", "create"), ("vault", "backup")):
            self.run(*command)

    def sync(self, records: list[Record], hour: float) -> None:
        self.book.sync(records, hour)
        self.book.lake.close()

    def run(self, *arguments: str) -> str:
        done = self.shell.run_in_process(*arguments)
        assert done.returncode == 0, done.stderr or done.stdout
        return done.stdout

    def subject(self, record: Record, field: str = "email") -> str:
        return self.book.vault.subject_id(NAME, field, record[field])

    def rows(self, columns: str = "source_id, name, email, phone, note") -> list[tuple[object, ...]]:
        found = self.book.table(columns, live=False)
        self.book.lake.close()
        return found

    @contextmanager
    def opened(self, clock: Callable[[], datetime] | None = None) -> Iterator[ErasedInstallation]:
        """The installation as an erasure sees it; with `clock`, its records have the time of that clock."""
        with erased_installation(self.settings) as found:
            url = self.settings.ledger_url
            yield replace(found, ledger=ErasureLedger(url, clock), holds=LegalHolds(url, clock)) if clock else found

    def ask(self, installation: ErasedInstallation, *subjects: str, confirms: bool = True) -> Erasure:
        """An erasure that one operator asked for, and that another one confirmed."""
        asked = request_erasure(
            installation, subjects, reason="letter 7", actor="maria", selected_by="subject", request=None
        )
        return confirm_erasure(installation.ledger, asked.number, "kwok") if confirms else asked
