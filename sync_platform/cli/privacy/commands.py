"""`sync-platform privacy …`: the commands and their options."""

from __future__ import annotations

import typer

from sync_platform.cli.privacy.access_commands import access, open_answer
from sync_platform.cli.privacy.correction_commands import correct, corrections
from sync_platform.cli.privacy.erasure_commands import erase, erasure_commands
from sync_platform.cli.privacy.hold_commands import hold_commands
from sync_platform.cli.privacy.request_commands import request_commands

privacy_commands = typer.Typer(
    help="Find a person's data, give access to it, correct or erase it, and keep account of requests."
)
privacy_commands.command("access")(access)
privacy_commands.command("open")(open_answer)
privacy_commands.command("correct")(correct)
privacy_commands.command("corrections")(corrections)
privacy_commands.command("erase")(erase)
privacy_commands.add_typer(erasure_commands, name="erasure")
privacy_commands.add_typer(hold_commands, name="hold")
privacy_commands.add_typer(request_commands, name="requests")
