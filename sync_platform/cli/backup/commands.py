"""The declarations of the `backup` commands: names, options, help texts. The other modules here do the work."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from sync_platform.cli.options import AsJson

backup_commands = typer.Typer(no_args_is_help=True, help="Back up the lake, verify backups, and restore from them.")


class ConflictOption(StrEnum):
    overwrite = "overwrite"
    merge = "merge"
    skip = "skip"


class KindOption(StrEnum):
    full = "full"
    incremental = "incremental"


OneBackup = Annotated[str | None, typer.Argument(metavar="ID", help="A backup; the newest if none is named.")]
Sources = Annotated[
    list[str] | None,
    typer.Option("--source", metavar="PLATFORM", help="Back up only this platform, and the history. May be repeated."),
]


@backup_commands.command("create")
def backup_create(
    kind: Annotated[
        KindOption,
        typer.Option("--type", help="`full` reads every file again; `incremental` copies only what is new."),
    ] = KindOption.incremental,
    source: Sources = None,
    as_json: AsJson = False,
) -> None:
    """Back up the lake as it is now, while syncs go on, and read back what was written.

    The first backup is always a full one. Exit code: 0 if the backup exists and was read back.
    """
    from sync_platform.cli.backup.create import create

    raise typer.Exit(create(kind.value, source or [], as_json=as_json))


@backup_commands.command("list")
def backup_list(as_json: AsJson = False) -> None:
    """List the backups, newest last, how much could be lost now (RPO), and how the last drill ended.

    Exit code: 0, or 1 if a manifest cannot be read.
    """
    from sync_platform.cli.backup.backup_list import list_backups

    raise typer.Exit(list_backups(as_json=as_json))


@backup_commands.command("show")
def backup_show(backup_id: OneBackup = None, as_json: AsJson = False) -> None:
    """Show a backup: its tables, the commits that it can be restored to, and its size.

    Exit code: 0 if there is one, 2 if there is none.
    """
    from sync_platform.cli.backup.show import show_backup

    raise typer.Exit(show_backup(backup_id, as_json=as_json))


@backup_commands.command("verify")
def backup_verify(
    backup_id: OneBackup = None,
    verifies_all: Annotated[bool, typer.Option("--all", help="Verify every backup.")] = False,
    replica: Annotated[bool, typer.Option("--replica", help="Verify the backups in BACKUP_REPLICA.")] = False,
    as_json: AsJson = False,
) -> None:
    """Read every byte of a backup and those it builds on, and compare manifests, audit log, catalog and files.

    Exit code: 0 only if everything is as it was written, 1 if anything is not.
    """
    from sync_platform.cli.backup.verify import verify

    raise typer.Exit(verify(backup_id, verifies_all=verifies_all, replica=replica, as_json=as_json))


@backup_commands.command("restore")
def backup_restore(
    target: Annotated[
        str,
        typer.Option(
            metavar="DIR|ENV",
            help="A new folder, which becomes a home of its own; or this installation by the name of its environment "
            "(ENVIRONMENT), to restore into its lake.",
        ),
    ],
    backup_id: OneBackup = None,
    at: Annotated[
        str | None,
        typer.Option(
            metavar="TIMESTAMP", help="The state at a moment, or at the end of a day in Hong Kong, from any backup."
        ),
    ] = None,
    source: Annotated[
        list[str] | None,
        typer.Option("--source", metavar="PLATFORM", help="Restore only this platform. May be repeated."),
    ] = None,
    conflict: Annotated[
        ConflictOption,
        typer.Option(
            help="For the lake of this installation. `skip`: only rows that are missing or ended return; `merge`: the "
            "later change wins; `overwrite`: exactly the rows of the backup, after a backup of the present state."
        ),
    ] = ConflictOption.skip,
    replica: Annotated[bool, typer.Option("--replica", help="Read the backups in BACKUP_REPLICA.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would change, by table.")] = False,
    as_json: AsJson = False,
) -> None:
    """Restore a backup, or the state at a moment, into a new home or into this installation's lake.

    A restore into a lake with tables undoes no commit: the difference becomes a new commit. Erased persons
    stay erased: the tombstones come first, and without them nothing is restored. Exit code: 0 if it is done.
    """
    from sync_platform.backup.conflict import Conflict
    from sync_platform.cli.backup.restore import restore

    mode = Conflict(conflict.value)
    raise typer.Exit(
        restore(backup_id, at, target, source or [], mode, replica=replica, dry_run=dry_run, as_json=as_json)
    )


@backup_commands.command("drill")
def backup_drill(
    replica: Annotated[
        bool, typer.Option("--replica", help="Restore from BACKUP_REPLICA alone, as if the primary region were gone.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Restore the newest backup into a scratch place, compare it with the lake, and measure RTO and RPO.

    Exit code: 0 if the restored lake is what was backed up, else 1.
    """
    from sync_platform.cli.backup.drill import drill

    raise typer.Exit(drill(replica=replica, as_json=as_json))


@backup_commands.command("replicate")
def backup_replicate(as_json: AsJson = False) -> None:
    """Copy every backup to BACKUP_REPLICA, and read back what was written. Every new backup is copied automatically.

    Exit code: 0 if the replica has every backup, 1 if a damaged one was left out.
    """
    from sync_platform.cli.backup.replicate import replicate_now

    raise typer.Exit(replicate_now(as_json=as_json))


@backup_commands.command("take-over")
def backup_take_over(as_json: AsJson = False) -> None:
    """Let this installation alone write into its store of backups and into the backup of the vault, after a failover.

    Another installation that can reach these stores is refused from now on: its syncs, backups and replicas.
    """
    from sync_platform.cli.backup.take_over import take_over

    raise typer.Exit(take_over(as_json=as_json))


@backup_commands.command("prune")
def backup_prune(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list what is due.")] = False,
    clock_is_right: Annotated[
        bool,
        typer.Option("--clock-is-right", help="Delete even if dates of backups go back or lie over 60 days apart."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Delete backups older than BACKUP_RETENTION_DAYS, in two steps: mark now, delete a day later at the earliest.

    BACKUP_REPLICA is pruned by the same rules.

    Exit code: 0 if everything due was done, 1 if the clock may have jumped or the store refused to delete something.
    """
    from sync_platform.cli.backup.prune import prune_or_plan

    raise typer.Exit(prune_or_plan(dry_run=dry_run, trusts_clock=clock_is_right, as_json=as_json))


@backup_commands.command("recovery-key")
def backup_recovery_key(as_json: AsJson = False) -> None:
    """Make a recovery key, which opens the backups without the vault; print it once, and invalidate an earlier one.

    Keep it elsewhere, on paper or in a safe: a person with it and the backups can read them.
    """
    from sync_platform.cli.backup.recovery_key import print_recovery_key

    raise typer.Exit(print_recovery_key(as_json=as_json))
