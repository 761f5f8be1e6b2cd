"""`sync-platform backup take-over`: this installation is the writer from now on, and another one is refused."""

from __future__ import annotations

from sync_platform.cli.audited import audited
from sync_platform.cli.exit_codes import OK
from sync_platform.cli.output import console, write_json
from sync_platform.cli.preconditions import require_lake
from sync_platform.settings import load_settings
from sync_platform.storage.operation_name import OperationName


def take_over(*, as_json: bool) -> int:
    """Make this installation the writer of its stores; 0. StorageError where there is no lake, or a store fails."""
    from sync_platform.defs.store_writer import writer_of

    settings = load_settings()
    require_lake(settings)
    installation = writer_of(settings)
    stores = [each.url for each in installation.own]
    with audited(settings, OperationName.take_over, {"stores": stores}) as operation:
        writer, before = installation.take_over()
        hosts = sorted({each.host for each in before})
        operation.ended("complete", before=hosts)
    if as_json:
        write_json({"stores": stores, "host": writer.host, "since": writer.since, "before": hosts})
        return OK
    shown = console()
    for store in stores:
        shown.print(f"this installation alone writes into {store}", soft_wrap=True)
    if hosts:
        shown.print(f"the one before, at {', '.join(hosts)}, is refused from now on", soft_wrap=True)
    return OK
