"""The daily backup of the vault as a Dagster job, with its schedule."""

from collections.abc import Iterator

import dagster as dg

from sync_platform.defs import schedule_times
from sync_platform.defs.audit import audited_run
from sync_platform.defs.automation import RUN_TAGS
from sync_platform.defs.landing import failure
from sync_platform.defs.schedule_times import scheduled
from sync_platform.defs.vault_backup import VaultBackupResource
from sync_platform.storage.operation_name import OperationName

VAULT_BACKUP = "vault_backup"
RETRIES = dg.RetryPolicy(max_retries=3, delay=600, backoff=dg.Backoff.EXPONENTIAL)


def vault_backup_schedule() -> dg.ScheduleDefinition:
    """The daily schedule and its job. They come after the backup of the data, whose values need the keys."""

    @dg.op(
        description="Replaces the vault's backup by a new one, which was read back. Erased persons are not in it.",
        out=dg.Out(dg.Nothing),
        retry_policy=RETRIES,
    )
    def back_up_vault(context: dg.OpExecutionContext, vault_backups: VaultBackupResource) -> Iterator[dg.Output[None]]:
        try:
            if not vault_backups.has_vault():
                return
            subject = {"store": vault_backups.place.url}
            with audited_run(context.run, vault_backups.ledger_url, OperationName.back_up_vault, subject) as operation:
                made = vault_backups.opened().create()
                operation.ended("complete", **made.figures())
        except Exception as error:
            raise failure(context, error) from error
        yield dg.Output(None, metadata=dict(made.figures()))

    @dg.job(
        name=VAULT_BACKUP,
        description="Backs up the keys of persons, apart from all other data.",
        tags=RUN_TAGS,
        executor_def=dg.in_process_executor,
    )
    def vault_backup() -> None:
        back_up_vault()

    return scheduled(
        vault_backup, schedule_times.VAULT_BACKUP, "The backup of the vault, every day after that of the data."
    )
