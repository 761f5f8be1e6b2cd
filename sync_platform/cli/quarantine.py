"""`sync-platform quarantine`: the records that could not be stored, one of them in full, and another try at all."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Any

import orjson
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sync_platform.cli.on_record import on_record
from sync_platform.errors import NoLakeYet, StorageError, UsageError
from sync_platform.landing.manifest import find_manifest, manifest_key
from sync_platform.landing.reader import read_object
from sync_platform.platforms import choose, load_platforms
from sync_platform.quality.quarantine import QuarantineEntry, entries
from sync_platform.settings import Settings, load_settings
from sync_platform.storage.lake_connection import Lake, LakeAddress

MOST_LISTED = 100


def list_entries(platform: str | None, dataset: str | None, *, every: bool, as_json: bool) -> int:
    """List what is in quarantine; 0. UsageError for a platform or dataset that is none."""
    settings = load_settings()
    _require(settings, platform, dataset)
    found = _entries(settings, platform, dataset, only_open=not every)
    if as_json:
        _write([asdict(entry) for entry in found])
        return 0
    console = _console()
    if not found:
        console.print("Nothing is in quarantine.")
        return 0
    table = Table(header_style="bold")
    for name in ("dataset", "period", "record", "what is wrong", "landed at", *(("settled",) if every else ())):
        table.add_column(name, overflow="fold")
    for entry in found[:MOST_LISTED]:
        settled = (entry.settled_how or "",) if every else ()
        where = f"{entry.landing_object}:{entry.landing_line}"
        cells = (f"{entry.platform}.{entry.dataset}", entry.partition, entry.source_id or "?", entry.problem, where)
        table.add_row(*(escape(cell) for cell in (*cells, *settled)))
    console.print(table)
    more = f", the first {MOST_LISTED} of them shown; --json lists all" if len(found) > MOST_LISTED else ""
    console.print(f"{len(found):,} records{more}")
    console.print("Next: [bold]sync-platform quarantine show PLATFORM DATASET RECORD[/]")
    return 0


def show_entry(platform: str, dataset: str, source_id: str, *, as_json: bool) -> int:
    """One record's entries, newest first, and the record as landed; 0. UsageError where it never was in quarantine."""
    settings = load_settings()
    _require(settings, platform, dataset)
    found = [
        entry
        for entry in _entries(settings, platform, dataset, only_open=False)
        if source_id in (entry.source_id, f"{entry.landing_object}:{entry.landing_line}")
    ]
    if not found:
        raise UsageError(f"no record {source_id!r} of {platform}.{dataset} is or was in quarantine")
    landed = _landed(settings, found[0])
    if as_json:
        _write({"entries": [asdict(entry) for entry in found], "record": landed})
        return 0
    console = _console()
    for entry in found:
        state = f"settled {entry.settled_at:%Y-%m-%d %H:%M} ({entry.settled_how})" if entry.settled_at else "open"
        console.print(
            f"[bold]{platform}.{dataset} {escape(entry.source_id or '(no id)')}[/], observed "
            f"{entry.observed_at:%Y-%m-%d %H:%M} UTC, period {entry.partition}: {state}"
        )
        for rule, path, problem in zip(entry.rules, entry.paths, entry.problems, strict=True):
            console.print(f"  {escape(path or 'the record')}: {escape(problem)} (rule: {escape(rule)})", soft_wrap=True)
        console.print(f"  landed at {escape(entry.landing_object)}:{entry.landing_line}", soft_wrap=True)
        console.print(f"  sync {entry.sync_id}, Dagster run {entry.run_id}")
    console.print("\nAs landed, personal fields sealed:")
    text = landed if isinstance(landed, str) else orjson.dumps(landed, option=orjson.OPT_INDENT_2).decode()
    console.print(escape(text), soft_wrap=True)
    return 0


def retry_entries(platform: str | None, dataset: str | None, *, as_json: bool) -> int:
    """Take in again every landing that has open entries; 0 if none is left open, else 1."""
    settings = load_settings()
    platforms = _require(settings, platform, dataset)
    before = _entries(settings, platform, dataset, only_open=True)
    landings = sorted({(entry.platform, entry.dataset, entry.partition, entry.sync_id) for entry in before})

    errors: list[str] = []
    if landings:
        from sync_platform.cli.run import Runner, prepare  # Dagster takes a second to import
        from sync_platform.defs.progress import Silence

        prepare(settings, [])
        runner = Runner(settings, Silence())
        with on_record(settings, "quarantine retry", {"syncs": sorted({landing[3] for landing in landings})}) as act:
            for number, (name, of, partition, sync_id) in enumerate(landings, 1):
                if not as_json:
                    sys.stderr.write(f"{number} of {len(landings)}: {name}.{of}, {partition}, sync {sync_id}\n")
                run = runner.take_in_again(platforms[name], platforms[name].dataset(of), partition, sync_id)
                if run.error:
                    errors.append(f"{name}.{of}: {run.error.removeprefix(f'{of}: ')}")
            act.ended("failed" if errors else "complete")
    after = _entries(settings, platform, dataset, only_open=True)
    if as_json:
        _write({"before": len(before), "after": len(after), "errors": errors, "open": [asdict(each) for each in after]})
    else:
        for error in errors:
            sys.stderr.write(f"sync-platform: {error}\n")
        _console().print(f"{len(before):,} records were in quarantine, {len(after):,} are now")
    return 1 if after or errors else 0


def _require(settings: Settings, platform: str | None, dataset: str | None) -> dict[str, Any]:
    platforms = load_platforms(settings.platform_path)
    if platform is not None:
        (chosen,) = choose(platforms, [platform])
        names = [each.name for each in chosen.datasets]
        if dataset is not None and dataset not in names:
            raise UsageError(f"{platform} has no dataset {dataset!r}; it has {', '.join(names)}")
    return platforms


def _entries(
    settings: Settings, platform: str | None, dataset: str | None, *, only_open: bool
) -> list[QuarantineEntry]:
    try:
        with Lake(LakeAddress.of(settings), read_only=True) as lake, lake.session() as session:
            return entries(session, platform=platform, dataset=dataset, only_open=only_open)
    except NoLakeYet:
        return []


def _landed(settings: Settings, entry: QuarantineEntry) -> Any:
    """The record as landed; in words where it is gone, or is no JSON."""
    from sync_platform.defs.resources import landing_store_of

    store = landing_store_of(settings).open()
    manifest = find_manifest(store, manifest_key(entry.platform, entry.dataset, entry.partition, entry.sync_id))
    digest = manifest.objects.get(entry.landing_object) if manifest else None
    if digest is None:
        return "(the landing of that sync is gone: its retention has passed)"
    try:
        line = read_object(store, entry.landing_object, digest).splitlines()[entry.landing_line - 1]
        return orjson.loads(line)
    except (StorageError, orjson.JSONDecodeError, IndexError) as error:
        return f"({error})"


def _write(document: Any) -> None:
    sys.stdout.write(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode() + "\n")


def _console() -> Console:
    return Console(width=None if sys.stdout.isatty() else 160, highlight=False)
