"""Groups of commands in which the first command needs no name."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperGroup


class DefaultCommandGroup(TyperGroup):
    """A group whose first command runs where no command is named: `emergency PLATFORM…`, `match FILE…`."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        return super().parse_args(ctx, args if args and args[0] in self.commands else [self._first, *args])

    def resolve_command(self, ctx: typer.Context, args: list[str]) -> Any:  # type: ignore[override]
        name, command, rest = super().resolve_command(ctx, args)
        return "" if name == self._first else name, command, rest

    @property
    def _first(self) -> str:
        return next(iter(self.commands))
