"""`sync-platform maintain`: runs the weekly maintenance now, or lists what it would do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sync_platform.cli.audited import audited
from sync_platform.cli.exit_codes import FAILED, OK
from sync_platform.cli.output import Terminal, console, report_problem, write_json
from sync_platform.cli.preconditions import require_lake
from sync_platform.documents.fitted_table import FittedTable
from sync_platform.documents.local_time import local_time
from sync_platform.documents.wording import counted
from sync_platform.errors import DamagedManifest
from sync_platform.lake.maintenance import plan_maintenance
from sync_platform.landing.retention import OnDamage, damage_in_words, find_expired, limits_of
from sync_platform.lineage.retention import due_closings
from sync_platform.platforms import load_platforms
from sync_platform.settings import Settings, load_settings
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import Lake
from sync_platform.storage.operation_name import OperationName

MAX_SHOWN = 10


def maintain_or_plan(*, dry_run: bool, as_json: bool) -> int:
    """Do what is due, or list it; 0 if that succeeded and no manifest is damaged, else 1.

    StorageError where there is no lake.
    """
    settings = load_settings()
    require_lake(settings)
    if dry_run:
        damaged: list[DamagedManifest] = []
        document = {"dry_run": True, **_plan(settings, damaged.append)}
        _write(document, as_json, _show_plan)
        if damaged:
            report_problem(damage_in_words(damaged))
        return FAILED if damaged else OK

    from sync_platform.cli.runner.instance import prepare
    from sync_platform.cli.runner.runs import Runner  # the import of Dagster takes a second
    from sync_platform.defs.progress import NoProgress

    prepare(settings, [])
    with audited(settings, OperationName.maintain, {}) as operation:
        run, summary = Runner(settings, NoProgress()).maintain()
        operation.ended("complete" if run.success else "failed", run_id=run.run_id, **_deleted(summary))
    document = {"dry_run": False, "run_id": run.run_id, "error": run.error, **summary}
    _write(document, as_json, _show_summary)
    return OK if run.success else FAILED


def _deleted(summary: dict[str, Any]) -> dict[str, int]:
    """How much it deleted, for the audit log; empty if it failed."""
    counts = {"snapshots_expired", "unneeded_files_deleted", "orphaned_files_deleted"} & summary.keys()
    landed = {"landed_syncs_deleted": len(summary["landing_deleted"])} if "landing_deleted" in summary else {}
    return {**{name: summary[name] for name in sorted(counts)}, **landed}


def _plan(settings: Settings, on_damage: OnDamage) -> dict[str, Any]:
    from sync_platform.defs.resources import landing_store_of

    now = datetime.now(UTC)
    limits = limits_of(load_platforms(settings.platform_path), settings.landing_retention_days)
    expired = find_expired(landing_store_of(settings).open(), limits, now, on_damage)
    with Lake(LakeAddress.of(settings)) as lake:
        plan = plan_maintenance(lake, settings.time_travel_days, now)
        with lake.session() as session:
            due = due_closings(session, now - timedelta(days=settings.lineage_retention_days))
    return {
        **plan.document(),
        "landing": [sync.document() for sync in expired],
        "lineage": [closing.document() for closing in due],
    }


def _write(document: dict[str, Any], as_json: bool, show: Any) -> None:
    if as_json:
        write_json(document)
    else:
        show(document, console())


def _show_plan(document: dict[str, Any], terminal: Terminal) -> None:
    table = _files_table("files", "size", "with deleted rows", "to merge")
    for name, files in document["tables"].items():
        counts = (files["count"], _size(files["size_bytes"]), files["with_deletes"], files["mergeable"])
        table.add_row(name, *map(str, counts))
    terminal.print_table(table)
    terminal.print(f"would expire {counted(len(document['snapshots_to_expire']), 'snapshot')}")
    _list(terminal, "would delete", "file", document["unneeded_files"], " that no snapshot needs")
    _list(terminal, "would delete", "file", document["orphaned_files"], " that killed writers left")
    _list(terminal, "would delete", "landed sync", _landed(document["landing"]))
    due = [f"{each['table']}: {each['changes']:,} until {_until(each)}" for each in document["lineage"]]
    _list(terminal, "would fold the old changes of", "table", due)
    terminal.print("Nothing was changed. Files that a merge replaces are deleted a day later at the earliest.")


def _show_summary(document: dict[str, Any], terminal: Terminal) -> None:
    if document["error"]:
        report_problem(document["error"])
    if "tables" not in document:
        return
    table = _files_table("files before", "files after", "size before", "size after")
    for name, files in document["tables"].items():
        sizes = (_size(files["bytes_before"]), _size(files["bytes_after"]))
        table.add_row(name, f"{files['files_before']:,}", f"{files['files_after']:,}", *sizes)
    terminal.print_table(table)
    unneeded, orphaned = document["unneeded_files_deleted"], document["orphaned_files_deleted"]
    terminal.print(f"expired {counted(document['snapshots_expired'], 'snapshot')}")
    terminal.print(
        f"deleted {counted(unneeded, 'file')} that no snapshot needs, and {orphaned:,} that killed writers left"
    )
    _list(terminal, "deleted", "landed sync", _landed(document["landing_deleted"]))
    folded = [
        f"{each['table']}: {each['changes_before']:,} until {_until(each)} became {each['changes_after']:,}"
        for each in document["lineage_folded"]
    ]
    _list(terminal, "folded the old changes of", "table", folded)
    terminal.print(f"The content of every table is unchanged. Dagster run {document['run_id']}")


def _until(folding: dict[str, Any]) -> str:
    return local_time(datetime.fromisoformat(folding["until"]))


def _files_table(*figures: str) -> FittedTable:
    return FittedTable(("table", *figures), numbers=figures)


def _landed(expired: list[dict[str, Any]]) -> list[str]:
    return [f"{each['folders'][0]} ({_size(each['size_bytes'])}): {each['reason']}" for each in expired]


def _list(terminal: Terminal, verb: str, noun: str, items: list[str], which: str = "") -> None:
    terminal.print(f"{verb} {counted(len(items), noun)}{which}")
    for item in items[:MAX_SHOWN]:
        terminal.print(f"  {item}", soft_wrap=True)
    if len(items) > MAX_SHOWN:
        terminal.print(f"  … and {len(items) - MAX_SHOWN:,} more; --json lists them all")


def _size(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:,.1f} MB" if size_bytes >= 1e6 else f"{size_bytes / 1e3:,.1f} kB"
