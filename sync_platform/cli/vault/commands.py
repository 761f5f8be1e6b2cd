"""`sync-platform vault …`: the commands and their options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sync_platform.cli.options import AsJson

vault_commands = typer.Typer(help="Back up the keys of persons, restore them, and replace the master key.")


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
    """Fill a new, empty vault from its backup; or only the key file, where only that is lost.

    Nobody who was erased comes back: without all tombstones it refuses.
    """
    from sync_platform.cli.vault.recovery import restore_vault

    raise typer.Exit(restore_vault(as_json=as_json))


@vault_commands.command("rotate")
def vault_rotate(
    from_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where the master key is now, if the settings name a new place.")
    ] = None,
    from_kms: Annotated[
        str,
        typer.Option(metavar="KEY", help="The KMS key that wraps the master key now, if the settings name another."),
    ] = "",
    from_secret: Annotated[
        str, typer.Option(metavar="SECRET", help="The secret with the master key now, if the settings name another.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Replace the master key. Sealed data and ids of persons stay as they are. Interrupted, a repeat goes on."""
    from sync_platform.cli.vault.rotation import rotate_master_key

    raise typer.Exit(rotate_master_key(from_file, from_kms, from_secret, as_json=as_json))
