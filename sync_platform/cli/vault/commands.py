"""`sync-platform vault …`: the commands and their options."""

from __future__ import annotations

import typer

from sync_platform.cli.options import AsJson

vault_commands = typer.Typer(help="Back up the keys of persons, apart from all other data, and restore them.")


@vault_commands.command("backup")
def vault_backup(as_json: AsJson = False) -> None:
    """Replace the backup of the vault by a new one, which was read back; erased persons are not in it."""
    from sync_platform.cli.vault.recovery import back_up_vault

    raise typer.Exit(back_up_vault(as_json=as_json))


@vault_commands.command("verify")
def vault_verify(as_json: AsJson = False) -> None:
    """Read every byte of the vault's backup. Exit code: 0 only if it is whole."""
    from sync_platform.cli.vault.recovery import verify_vault_backup

    raise typer.Exit(verify_vault_backup(as_json=as_json))


@vault_commands.command("restore")
def vault_restore(as_json: AsJson = False) -> None:
    """Fill a new, empty vault from its backup. Nobody who was erased comes back: without all tombstones it refuses."""
    from sync_platform.cli.vault.recovery import restore_vault

    raise typer.Exit(restore_vault(as_json=as_json))
