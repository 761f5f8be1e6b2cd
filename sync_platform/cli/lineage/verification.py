"""`sync-platform lineage verify|anchor`: verifies chains, tables and files; anchors the chains outside the lake."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sync_platform.cli.audited import audited, log_entry
from sync_platform.cli.exit_codes import FAILED, OK
from sync_platform.cli.output import Terminal, console, showing_steps, write_json
from sync_platform.cli.preconditions import require_lake
from sync_platform.documents.wording import counted
from sync_platform.lineage.anchors import Anchor, fetch_anchor, read_anchor
from sync_platform.lineage.findings import Findings, last_verification
from sync_platform.lineage.verification import AuditedInstallation
from sync_platform.settings import Settings, load_settings
from sync_platform.storage.operation_name import OperationName

MAX_SHOWN = 20


def verify_lineage(anchor: str | None, *, landing: bool, as_json: bool) -> int:
    """Verify chains, tables, files and anchors; with `landing` also landed objects. 0 if all are intact, else 1.

    The audit log gets an entry if there are breaks, or if there are none any more.
    """
    settings = load_settings()
    with _opened(settings) as installation:
        also = [_anchor(settings, anchor, installation.public_key)] if anchor else []
        store = _store(settings, settings.landing_url) if landing else None
        with showing_steps("verifying") as show_step:
            findings = installation.verify(also, store, show_step)
        log = installation.audit_log
        last = last_verification(log.entries(operation=OperationName.verify)) if findings.holds else None
    if as_json:
        write_json(findings.document())
    else:
        _show(findings, console())
    if not findings.holds or (last and last.outcome != "complete"):
        log_entry(settings, OperationName.verify, findings.logged(), "complete" if findings.holds else "failed")
    return OK if findings.holds else FAILED


def anchor_lineage(to: str | None, *, as_json: bool) -> int:
    """Sign the last links of the chains, and store this anchor in the store of backups, or in another one; 0."""
    settings = load_settings()
    with (
        _opened(settings, to, makes_key=True) as installation,
        audited(settings, OperationName.anchor, {"store": installation.anchors.url}) as operation,
    ):
        key = installation.anchor()
        operation.ended("complete", key=key)
    if as_json:
        write_json({"anchor": f"{installation.anchors.url}/{key}", "public_key": installation.public_key})
    else:
        console().print(f"anchored: {installation.anchors.url}/{key}", soft_wrap=True)
        console().print(f"public key: {installation.public_key}")
    return OK


@contextmanager
def _opened(
    settings: Settings, anchors: str | None = None, *, makes_key: bool = False
) -> Iterator[AuditedInstallation]:
    from sync_platform.defs.lineage import auditor_of

    require_lake(settings)
    with auditor_of(settings, _url(anchors) if anchors else None).opened(makes_key=makes_key) as installation:
        yield installation


def _anchor(settings: Settings, place: str, public_key: str | None) -> Anchor:
    if "://" not in place:
        return read_anchor(place, Path(place).read_bytes(), public_key)
    folder, _, key = place.rpartition("/")
    return fetch_anchor(_store(settings, folder), key, public_key)


def _store(settings: Settings, url: str) -> Any:
    from sync_platform.defs.resources import store_of

    return store_of(settings, url).open()


def _url(place: str) -> str:
    return place if "://" in place else Path(place).absolute().as_uri()


def _show(findings: Findings, terminal: Terminal) -> None:
    for number, broken_place in enumerate(findings.breaks[:MAX_SHOWN]):
        terminal.print(f"{'first broken' if number == 0 else 'also'}: {broken_place}", soft_wrap=True)
    if len(findings.breaks) > MAX_SHOWN:
        terminal.print(f"… and {len(findings.breaks) - MAX_SHOWN:,} more; --json lists them all")
    for table in findings.not_compared:
        terminal.print(f"not compared with its history: {table}, which no platform file declares")
    if elsewhere := findings.anchors_elsewhere:
        more = f" and {len(elsewhere) - 1:,} more" if len(elsewhere) > 1 else ""
        terminal.print(
            f"not compared: the anchor {elsewhere[-1]}{more}, in another store. If several machines share the "
            "ledger, set S3_BACKUP_BUCKET on each, so that they share the anchors too; or name one with --anchor",
            soft_wrap=True,
        )
    if before := findings.anchors_before_restore:
        more = f" and {len(before) - 1:,} more" if len(before) > 1 else ""
        terminal.print(
            f"not compared, or only in part: the anchor {before[-1]}{more}, from before this lake was restored; the "
            "audit log names the restore",
            soft_wrap=True,
        )
    if findings.anchors_without_key:
        terminal.print(
            f"not proven: who signed {counted(findings.anchors_without_key, 'anchor')}, because the vault has no "
            "master key; each was compared, and matches the key in it",
            soft_wrap=True,
        )
    if findings.files_unrecorded:
        terminal.print(
            f"not compared: the bytes of {counted(findings.files_unrecorded, 'file')}, which the next sync records for "
            "the first time"
        )
    landed = "" if findings.landed_objects is None else f", {counted(findings.landed_objects, 'landed object')}"
    counts = (
        f"{counted(findings.batches, 'batch')} with {counted(findings.changes, 'change')}",
        counted(findings.tables, "table"),
        counted(findings.files, "file"),
        counted(findings.audit_entries, "audit entry"),
        counted(findings.anchors, "anchor"),
    )
    result = "all intact" if findings.holds else counted(len(findings.breaks), "break")
    terminal.print(f"{', '.join(counts)}{landed}: {result}")
