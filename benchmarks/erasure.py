"""How long it takes to find one person among many, and to erase them with many backups; CPU seconds and the wall.

.venv/bin/python -m benchmarks.erasure [PERSONS BACKUPS]
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from sync_platform.defs.backups import backups_of
from sync_platform.defs.vault_backup import vault_backup_of
from sync_platform.privacy.erased_installation import ErasedInstallation
from sync_platform.privacy.erasure import continue_erasures
from sync_platform.privacy.person_question import PersonQuestion
from sync_platform.privacy.person_search import candidates
from sync_platform.privacy.searched_installation import SearchedInstallation
from sync_platform.storage.lake_connection import LAKE
from sync_platform.vault.subject_keys import subject_keys
from sync_platform_tests.lake.guest_book import ADA, BEN
from sync_platform_tests.privacy.erasable_home import NAME, ErasableHome

KEYS_AT_ONCE = 20_000


def main() -> None:
    persons, backups = map(int, sys.argv[1:] or (1_000_000, 50))
    with tempfile.TemporaryDirectory() as folder:
        home = ErasableHome(Path(folder))
        _add_keys(home, persons)
        _add_rows(home, persons)
        for hour in range(backups):
            home.sync([ADA, {**BEN, "seats": hour}], hour=2 + hour / 100)
            backups_of(home.settings).create("incremental")
        vault_backup_of(home.settings).opened().create()
        with home.opened() as installation:
            _find(home, installation)
            home.ask(installation, home.subject(ADA))
            at = [time.monotonic(), _cpu_s()]

            def on_step(step: str) -> None:
                sys.stdout.write(f"  until {step}: {time.monotonic() - at[0]:.2f} s, CPU {_cpu_s() - at[1]:.2f} s\n")

            (done,) = continue_erasures(installation, "kwok", on_step)
            on_step("its end")
            sys.stdout.write(f"{done.state}, {len((done.proof or {'places': []})['places'])} places, {done.problem}\n")


def _find(home: ErasableHome, installation: ErasedInstallation) -> None:
    """Search for one person by her address, as the officer's command does."""
    searched = SearchedInstallation(
        home.book.vault, installation.lake, lambda: home.book.store, installation.history, installation.platforms
    )
    began, worked = time.monotonic(), _cpu_s()
    persons = candidates(searched, PersonQuestion(email=str(ADA["email"])))
    used = f"{time.monotonic() - began:.2f} s, CPU {_cpu_s() - worked:.2f} s"
    sys.stdout.write(f"  a search by e-mail address: {len(persons)} found in {used}\n")


def _add_keys(home: ErasableHome, persons: int) -> None:
    """Keys of other persons, as sealing would make them; their content does not matter."""
    now = datetime.now(UTC)
    for first in range(0, persons, KEYS_AT_ONCE):
        rows = [
            {
                "subject_id": f"{number:022d}",
                "wrapped_key": os.urandom(92),
                "created_at": now,
                "identifiers": " ".join(os.urandom(8).hex() for _ in range(3)),
                "seen_in": f"{NAME}.reservations",
            }
            for number in range(first, min(persons, first + KEYS_AT_ONCE))
        ]
        with home.book.vault.engine.begin() as connection:
            connection.execute(sa.insert(subject_keys), rows)


def _add_rows(home: ErasableHome, persons: int) -> None:
    """Rows of other persons and their history, written without the ordinary way: nothing here verifies the chain."""
    sealed = "'sealed:v1:' || lpad(n::VARCHAR, 22, '0') || ':' || md5(n::VARCHAR) || md5('x' || n)"
    with home.book.lake.session() as session:
        session.execute(
            f"""INSERT INTO {LAKE}.{NAME}.reservations BY NAME SELECT 'o' || n AS source_id, {sealed} AS name,
            {sealed} AS email, {sealed} AS phone, {sealed} AS note, n % 9 AS seats, md5(n::VARCHAR) AS content_hash,
            now() AS first_seen_at, now() AS last_changed_at, now() AS removed_at FROM range({persons}) t(n)"""
        )
        session.execute(
            f"""INSERT INTO {LAKE}.lineage.changes BY NAME SELECT '{NAME}' AS platform, 'reservations' AS dataset,
            'o' || n AS entity_id, 'insert' AS operation, to_json({{name: {sealed}, email: {sealed}, phone: {sealed},
            note: {sealed}}}) AS after, now() AS observed_at, now() AS committed_at FROM range({persons}) t(n)"""
        )
    home.book.lake.close()


def _cpu_s() -> float:
    return sum(
        used.ru_utime + used.ru_stime
        for used in (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


if __name__ == "__main__":
    main()
