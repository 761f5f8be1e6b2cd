"""Erasures in Dagster: what an erasure of this installation reaches, and the job that goes on with erasures.

What belongs here: opening the parts. The steps belong in privacy/erasure_work.py.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import dagster as dg

from sync_platform.backup.repository import Repository
from sync_platform.defs import schedule_times
from sync_platform.defs.audit import SCHEDULE_TAG, audited_run
from sync_platform.defs.automation import RUN_TAGS
from sync_platform.defs.backups import backups_of
from sync_platform.defs.landing import failure
from sync_platform.defs.resources import landing_store_of
from sync_platform.defs.schedule_times import scheduled
from sync_platform.defs.vault_backup import vault_backup_of
from sync_platform.errors import StorageError
from sync_platform.platforms import load_platforms
from sync_platform.privacy.erased_installation import ErasedInstallation
from sync_platform.privacy.erasure import continue_erasures
from sync_platform.privacy.erasure_ledger import ErasureLedger
from sync_platform.privacy.erasure_places import ErasurePlaces
from sync_platform.privacy.legal_holds import LegalHolds
from sync_platform.privacy.recorded_corrections import apply_requests
from sync_platform.privacy.request_register import RequestRegister
from sync_platform.settings import Settings, load_settings
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import Lake
from sync_platform.storage.lease import Leases
from sync_platform.storage.operation_name import OperationName

ERASURES = "erasures"


@contextmanager
def erased_installation(settings: Settings) -> Iterator[ErasedInstallation]:
    """The opened installation; StorageError or SettingsError where a part cannot be used."""
    backed_up, address = vault_backup_of(settings).opened(), LakeAddress.of(settings)
    platforms = load_platforms(settings.platform_path)
    with ExitStack() as stack:
        ledger, holds = ErasureLedger(settings.ledger_url), LegalHolds(settings.ledger_url)
        leases, requests = Leases(settings.ledger_url), RequestRegister(settings.ledger_url)
        for close in (ledger.close, holds.close, leases.close, requests.dispose):
            stack.callback(close)
        lake = stack.enter_context(Lake(address)) if address.exists else None
        places = ErasurePlaces(
            vault=backed_up.vault,
            vault_backup=backed_up.backup,
            stores=backed_up.stores,
            lake=lake,
            history=settings.lineage_table_name,
            platforms=platforms,
            landing=landing_store_of(settings).open(),
            landing_days=settings.landing_retention_days,
            time_travel_days=settings.time_travel_days,
            repositories=_repositories(settings),
            ledger_url=settings.ledger_url,
            dagster=[Path(os.environ.get("DAGSTER_HOME") or settings.home / "dagster")],
        )
        yield ErasedInstallation(
            ledger, holds, backed_up.erasure, lake, settings.lineage_table_name, platforms, places, requests, leases
        )


def erasure_schedule() -> dg.ScheduleDefinition:
    """The hourly schedule and its job: an erasure that failed is tried again, and one under a hold ends with it."""

    @dg.op(
        description="Goes on with erasures that were interrupted, that failed, or whose legal hold has ended. Applies "
        "corrections and restrictions to the lake.",
        out=dg.Out(dg.Nothing),
    )
    def go_on_with_erasures(context: dg.OpExecutionContext) -> Iterator[dg.Output[None]]:
        settings = load_settings()
        with closing(ErasureLedger(settings.ledger_url)) as ledger:
            is_due = any(erasure.is_due for erasure in ledger.erasures())
        try:
            if is_due:
                _continue(context, settings)
            history, platforms = settings.lineage_table_name, load_platforms(settings.platform_path)
            with Lake(LakeAddress.of(settings)) as lake:
                apply_requests(lake, history, platforms, settings.ledger_url, context.run.run_id)
        except Exception as error:
            raise failure(context, error) from error
        yield dg.Output(None)

    @dg.job(
        name=ERASURES,
        description="Goes on with erasures of persons until each is complete and proven.",
        tags=RUN_TAGS,
        executor_def=dg.in_process_executor,
    )
    def erasures() -> None:
        go_on_with_erasures()

    return scheduled(erasures, schedule_times.ERASURES, "Open erasures, every hour.")


def _continue(context: dg.OpExecutionContext, settings: Settings) -> None:
    actor = context.run.tags.get(SCHEDULE_TAG, ERASURES)
    with (
        audited_run(context.run, settings.ledger_url, OperationName.continue_erasures, {}) as operation,
        erased_installation(settings) as installation,
    ):
        done = continue_erasures(installation, actor, context.log.info)
        failed = [f"erasure {erasure.number}: {erasure.problem}" for erasure in done if erasure.problem]
        states = {str(erasure.number): erasure.state for erasure in done}
        operation.ended("failed" if failed else "complete", erasures=states)
    if failed:
        raise StorageError("; ".join(failed))


def _repositories(settings: Settings) -> dict[str, Callable[[], Repository | None]]:
    """Opens the repository of backups and that of the replica, each by what it is called in a proof."""
    primary = backups_of(settings)
    repositories: dict[str, Callable[[], Repository | None]] = {"backup": primary.repository_or_none}
    if primary.has_replica:
        repositories["replica of backup"] = backups_of(settings, from_replica=True).repository_or_none
    return repositories
