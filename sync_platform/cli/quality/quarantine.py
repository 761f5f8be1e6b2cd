"""`sync-platform quarantine`: lists the records that could not be stored, shows one, and retries them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import orjson

from sync_platform.cli.audited import audited
from sync_platform.cli.exit_codes import FAILED, OK
from sync_platform.cli.next_steps import write_next_steps
from sync_platform.cli.output import console, json_of, line, report_problem, styled, write_json, write_line
from sync_platform.cli.preconditions import require_dataset
from sync_platform.documents.fitted_table import FittedTable
from sync_platform.documents.local_time import local_minute
from sync_platform.documents.typed_command import typed
from sync_platform.documents.wording import counted
from sync_platform.errors import NoLakeYet, StorageError, UsageError
from sync_platform.landing.manifest import find_manifest, manifest_key
from sync_platform.landing.reader import read_object
from sync_platform.platforms import load_platforms
from sync_platform.privacy.request_register import restricted_subjects
from sync_platform.quality.quarantine import QuarantineEntry, entries
from sync_platform.settings import Settings, load_settings
from sync_platform.sources.declaration import Platform
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import Lake
from sync_platform.storage.operation_name import OperationName
from sync_platform.vault.erased_values import erased_subjects_at, without_ciphertext
from sync_platform.vault.unsealing import subjects_in

MAX_ENTRIES = 100
RESTRICTED = "(a person restricted the use of this record: it is stored, and not shown)"


def list_entries(platform: str | None, dataset: str | None, *, every: bool, as_json: bool) -> int:
    """List the records in quarantine; 0. UsageError for an unknown platform or dataset."""
    settings = load_settings()
    _required(settings, platform, dataset)
    found_entries = _entries(settings, platform, dataset, only_open=not every)
    if as_json:
        write_json([asdict(entry) for entry in found_entries])
        return OK
    terminal = console()
    if not found_entries:
        terminal.print("Nothing is in quarantine.")
        return OK
    columns = ("dataset", "period", "record", "what is wrong", "landed at", *(("settled",) if every else ()))
    table = FittedTable(columns, unbroken=("record",), optional=("landed at", "period"))
    for entry in found_entries[:MAX_ENTRIES]:
        settled = (entry.settled_how or "",) if every else ()
        where = f"{entry.landing_object}:{entry.landing_line}"
        cells = (f"{entry.platform}.{entry.dataset}", entry.partition, entry.source_id or "?", entry.problem, where)
        table.add_row(*cells, *settled)
    terminal.print_table(table)
    more = f", the first {MAX_ENTRIES} of them shown; --json lists all" if len(found_entries) > MAX_ENTRIES else ""
    terminal.print(f"{counted(len(found_entries), 'record')}{more}")
    write_next_steps([typed("quarantine", "show", "PLATFORM", "DATASET", "RECORD")])
    return OK


def show_entry(platform: str, dataset: str, source_id: str, *, as_json: bool) -> int:
    """The entries of one record, newest first, and the record as it was landed; 0. UsageError where it has no entry."""
    settings = load_settings()
    _required(settings, platform, dataset)
    found_entries = [
        entry
        for entry in _entries(settings, platform, dataset, only_open=False)
        if source_id in (entry.source_id, f"{entry.landing_object}:{entry.landing_line}")
    ]
    if not found_entries:
        raise UsageError(f"no record {source_id!r} of {platform}.{dataset} is or was in quarantine")
    landed = without_ciphertext(_landed(settings, found_entries[0]), erased_subjects_at(settings.vault_url))
    if subjects_in([landed]) & restricted_subjects(settings.ledger_url):
        landed = RESTRICTED
    if as_json:
        write_json({"entries": [asdict(entry) for entry in found_entries], "record": landed})
        return OK
    terminal = console()
    for entry in found_entries:
        state = f"settled {local_minute(entry.settled_at)} ({entry.settled_how})" if entry.settled_at else "open"
        record = styled(f"{platform}.{dataset} {entry.source_id or '(no id)'}", "bold")
        observed = f"{local_minute(entry.observed_at)}, period {entry.partition}"
        terminal.print(line(record, f", observed {observed}: {state}"))
        for rule, path, problem in zip(entry.rules, entry.paths, entry.problems, strict=True):
            terminal.print(f"  {path or 'the record'}: {problem} (rule: {rule})", soft_wrap=True)
        terminal.print(f"  landed at {entry.landing_object}:{entry.landing_line}", soft_wrap=True)
        terminal.print(f"  sync {entry.sync_id}, Dagster run {entry.run_id}")
    terminal.print("\nAs landed, personal fields sealed:")
    text = landed if isinstance(landed, str) else json_of(landed)
    terminal.print(text, soft_wrap=True)
    return OK


def retry_entries(platform: str | None, dataset: str | None, *, as_json: bool) -> int:
    """Commit again every landing that has open entries; 0 if no entry stays open, else 1."""
    settings = load_settings()
    platforms = _required(settings, platform, dataset)
    before = _entries(settings, platform, dataset, only_open=True)
    landings = sorted({(entry.platform, entry.dataset, entry.partition, entry.sync_id) for entry in before})

    errors: list[str] = []
    if landings:
        from sync_platform.cli.runner.instance import prepare
        from sync_platform.cli.runner.runs import Runner  # the import of Dagster takes a second
        from sync_platform.defs.progress import NoProgress

        prepare(settings, [])
        runner = Runner(settings, NoProgress())
        with audited(
            settings, OperationName.retry_quarantine, {"syncs": sorted({landing[3] for landing in landings})}
        ) as operation:
            for number, (name, of, partition, sync_id) in enumerate(landings, 1):
                if not as_json:
                    write_line(f"{number} of {len(landings)}: {name}.{of}, {partition}, sync {sync_id}")
                run = runner.commit_again(platforms[name], platforms[name].dataset(of), partition, sync_id)
                if run.error:
                    errors.append(f"{name}.{of}: {run.error.removeprefix(f'{of}: ')}")
            operation.ended("failed" if errors else "complete")
    after = _entries(settings, platform, dataset, only_open=True)
    if as_json:
        write_json(
            {"before": len(before), "after": len(after), "errors": errors, "open": [asdict(entry) for entry in after]}
        )
    else:
        for error in errors:
            report_problem(error)
        console().print(f"{len(before):,} records were in quarantine, {len(after):,} are now")
    return FAILED if after or errors else OK


def _required(settings: Settings, platform: str | None, dataset: str | None) -> dict[str, Platform]:
    platforms = load_platforms(settings.platform_path)
    if platform is not None:
        require_dataset(platforms, platform, dataset)
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
    """The record as it was landed; if it cannot be read, a text that says why."""
    from sync_platform.defs.resources import landing_store_of

    store = landing_store_of(settings).open()
    try:
        manifest = find_manifest(store, manifest_key(entry.platform, entry.dataset, entry.partition, entry.sync_id))
        digest = manifest.objects.get(entry.landing_object) if manifest else None
        if digest is None:
            return "(the landing of that sync is gone: its retention has passed)"
        line = read_object(store, entry.landing_object, digest).splitlines()[entry.landing_line - 1]
        return orjson.loads(line)
    except (StorageError, orjson.JSONDecodeError, IndexError) as error:
        return f"({error})"
