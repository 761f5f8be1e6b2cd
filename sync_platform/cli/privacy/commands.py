"""`sync-platform privacy …`: the commands and their options."""

from __future__ import annotations

import typer

from sync_platform.cli.privacy.request_commands import request_commands

privacy_commands = typer.Typer(help="Find a person's data, give access to it, erase it, and keep account of requests.")
privacy_commands.add_typer(request_commands, name="requests")
