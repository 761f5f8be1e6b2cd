"""The home of this version, kept for the tests of later ones: every release adds one folder to `released_homes`.

    python -m sync_platform_tests.cli.released_home

makes `released_homes/VERSION` with `home.tar.xz` and with `expected.json`, what this version says of the home. `make
release` runs it. A folder that exists is kept: what a version made does not change.

What belongs here: what happens in such a home, and what is expected of it. The tests are in `test_released_homes.py`.
"""

from __future__ import annotations

import json
import shutil
import sys
import tarfile
import tempfile
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from sync_platform import __version__
from sync_platform.sources.period import day_in_hong_kong, period_of
from sync_platform_tests.cli.conftest import Shell

RELEASED_HOMES = Path(__file__).parent / "released_homes"
PLATFORMS = ("data_gov_hk", "openrice", "chope")
TODAY = day_in_hong_kong(datetime.now(UTC))
LAST_WEEK = period_of("weekly", TODAY - timedelta(days=7)).key
HISTORY: tuple[tuple[int, tuple[str, ...]], ...] = (
    (200, ("sync", *PLATFORMS, "--no-unify")),
    (4, ("sync", "openrice", "chope", "--no-unify")),
    (4, ("sync", "data_gov_hk", "--partition", LAST_WEEK)),
    (4, ("lineage", "anchor")),
    (4, ("vault", "backup")),
    (4, ("backup", "create")),
)
"""The sandbox's day, in days before today, and a command. Records change and are removed; a late week is spliced in.

Few records and few syncs: the home stays under a megabyte.
"""
SETTINGS = {"SANDBOX_PLACES": "12", "BACKUP_ENCRYPTION": "false", "BACKUP_COMPRESSION": "false"}
"""The backup has the files of the lake as they are: the archive stores them once. That of the vault is encrypted."""
TABLES = (
    *("chope.reservations", "chope.restaurants", "data_gov_hk.licences", "openrice.restaurants", "openrice.reviews"),
    *("unified.members", "unified.restaurants", "lineage.changes", "lineage.batches", "sync.runs", "quality.scores"),
)
SUBJECTS = {
    ("restaurant",): "SELECT restaurant_id FROM unified.restaurants ORDER BY 1 LIMIT 2",
    ("openrice", "restaurants"): "SELECT source_id FROM openrice.restaurants ORDER BY 1 LIMIT 1",
    ("chope", "reservations"): "SELECT source_id FROM chope.reservations WHERE is_past ORDER BY 1 LIMIT 1",
    (
        "data_gov_hk",
        "licences",
    ): "SELECT source_id FROM data_gov_hk.licences WHERE removed_at IS NOT NULL ORDER BY 1 LIMIT 1",
}
"""Whose stories are kept."""
COUNTED = ("batches", "changes", "tables", "audit_entries", "anchors", "landed_objects", "not_compared", "breaks")


def make_home(folder: Path) -> Shell:
    """A new home in a folder, in which everything of HISTORY happened."""
    shell = Shell(folder)
    for days_ago, command in HISTORY:
        day = (TODAY - timedelta(days=days_ago)).isoformat()
        shell.environment = {**SETTINGS, "SANDBOX_TODAY": day}
        done = shell.run(*command)  # a process of its own: a sync forks
        # 1: degraded, because the sandbox loses many of its few records in so long a time
        assert done.returncode in ((0, 1) if command[0] == "sync" else (0,)), done.stderr or done.stdout
    return shell


def said_of(shell: Shell) -> dict[str, Any]:
    """What this version says of a home: its verification, stories, tables, changes and backup."""
    verified = json.loads(output_of(shell, "lineage", "verify", "--landing", "--json"))
    subjects = [(*kind, *row.values()) for kind, sql in SUBJECTS.items() for row in shell.query(sql)]
    return {
        "verified": {"holds": verified["holds"], **{name: verified[name] for name in COUNTED}},
        "stories": {" ".join(subject): story_of(shell, *subject) for subject in subjects},
        "tables": {table: digest_of_table(shell, table) for table in TABLES},
        "export": digest_of(shell, "lineage", "export", "--format", "csv"),
    }


def story_of(shell: Shell, *subject: str) -> Any:
    return json.loads(output_of(shell, "lineage", "show", *subject, "--format", "json"))


def digest_of_table(shell: Shell, table: str) -> str:
    """The digest of a table's values in DuckDB's words, which no form of our output changes."""
    return digest_of(shell, "query", f"SELECT COLUMNS(*)::VARCHAR FROM {table} ORDER BY ALL", "--format", "csv")


def digest_of(shell: Shell, *command: str) -> str:
    """The SHA-256 of the output of a command."""
    return sha256(output_of(shell, *command).encode()).hexdigest()


def output_of(shell: Shell, *command: str) -> str:
    done = shell.run_in_process(*command)
    assert done.returncode == 0, done.stderr or done.stdout
    return done.stdout


def keep(kept: Path) -> None:
    """Make the home, and write it and what is said of it into a new folder."""
    with tempfile.TemporaryDirectory() as scratch:
        shell = make_home(Path(scratch) / "home")
        expected = said_of(shell)
        shutil.rmtree(shell.home / "logs", ignore_errors=True)
        kept.mkdir(parents=True)
        with tarfile.open(kept / "home.tar.xz", "w:xz", preset=9) as archive:
            archive.add(shell.home, ".")
    (kept / "expected.json").write_text(json.dumps(expected, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    kept = RELEASED_HOMES / __version__
    if kept.exists():
        sys.exit(f"the home of {__version__} is kept already: {kept}")
    keep(kept)
