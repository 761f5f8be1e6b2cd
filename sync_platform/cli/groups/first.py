"""Groups of commands of which one needs no name."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperGroup


class FirstUnlessNamed(TyperGroup):
    """A group whose first command needs no name: `emergency PLATFORM…` makes a request, `match FILE…` matches files."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        return super().parse_args(ctx, args if args and args[0] in self.commands else [self._first, *args])

    def resolve_command(self, ctx: typer.Context, args: list[str]) -> Any:  # type: ignore[override]
        name, command, rest = super().resolve_command(ctx, args)
        return "" if name == self._first else name, command, rest

    @property
    def _first(self) -> str:
        return next(iter(self.commands))
