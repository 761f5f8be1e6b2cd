"""`sync-platform backup show`."""

from __future__ import annotations

from typing import Any

from sync_platform.backup.backup_manifest import BackupManifest
from sync_platform.cli.backup.create import summary_of
from sync_platform.cli.exit_codes import OK
from sync_platform.cli.output import console, write_json
from sync_platform.documents.fitted_table import FittedTable
from sync_platform.documents.local_time import local_time
from sync_platform.errors import UsageError
from sync_platform.settings import load_settings


def show_backup(backup_id: str | None, *, as_json: bool) -> int:
    """Show a backup; 0. UsageError where there is none."""
    from sync_platform.defs.backups import backups_of

    settings = load_settings()
    repository = backups_of(settings).repository()
    manifests = repository.manifests()
    if backup_id is not None:
        manifest = repository.manifest(backup_id)
    elif manifests:
        manifest = manifests[-1]
    else:
        raise UsageError(f"there is no backup in {settings.backup_url}")
    if as_json:
        write_json(_document(manifest))
    else:
        _show(manifest)
    return OK


def _document(manifest: BackupManifest) -> dict[str, Any]:
    return {
        **summary_of(manifest),
        "versions": manifest.versions,
        "table_states": {
            name: {"rows": table.rows, "digest": table.digest, "columns": dict(table.columns)}
            for name, table in manifest.tables.items()
        },
        "commit_list": [
            {"snapshot": each.snapshot, "at": each.at, "batch": each.batch_number, "link": each.batch_link}
            for each in manifest.commits
        ],
    }


def _show(manifest: BackupManifest) -> None:
    terminal = console()
    for name, value in summary_of(manifest).items():
        if value is not None:
            terminal.print(f"{name}: {value}", soft_wrap=True)
    table = FittedTable(("table", "rows", "columns", "digest"), numbers=("rows", "columns"))
    for name, each in manifest.tables.items():
        table.add_row(name, f"{each.rows:,}", str(len(each.columns)), each.digest[:16])
    terminal.print_table(table)
    first, last = manifest.commits[0], manifest.commits[-1]
    terminal.print(
        f"It can be restored to any of {len(manifest.commits):,} commits: snapshot {first.snapshot} "
        f"({local_time(first.at)}) to {last.snapshot} ({local_time(last.at)})",
        soft_wrap=True,
    )
