"""`sync-platform privacy …`: the commands and their options."""

from __future__ import annotations

import typer

privacy_commands = typer.Typer(help="Find a person's data, give access to it, erase it, and keep account of requests.")
