"""The table of who may do what through the server: access.toml, read once.

What belongs here: the table. The gate asks it about routes, dagster_ui/ about the fields of GraphQL. What is not listed
is forbidden.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from re import Pattern

from starlette.routing import compile_path

from sync_platform.permissions.action import Action
from sync_platform.permissions.actor import Actor
from sync_platform.permissions.decision import is_allowed_somewhere

FILE = Path(__file__).parent / "access.toml"
ANYBODY, USER, NOBODY = "anybody", "user", "nobody"
WEBSOCKET = "WEBSOCKET"
"""Stands in the table for a method, where a websocket is opened."""
METHOD_AS = {"HEAD": "GET"}
"""Methods that the table does not list, because another one includes them."""


@dataclass(frozen=True)
class AccessTable:
    """The sections of the file. Each maps what it lists to an action, or to `anybody`, `user` or `nobody`."""

    routes: dict[str, str]
    queries: dict[str, str]
    mutations: dict[str, str]
    subscriptions: dict[str, str]
    fields: dict[str, str]
    permissions: dict[str, str]

    def of_route(self, method: str, path: str) -> str | None:
        """What the route of a request needs; None where no route is listed."""
        return self._needs(METHOD_AS.get(method, method), path)

    def methods_of(self, path: str) -> list[str]:
        """The methods of HTTP that a path allows, as the header Allow has them."""
        methods = {*METHOD_AS, *(method for method, _, _ in self._patterns)} - {WEBSOCKET}
        return sorted(each for each in methods if self.of_route(each, path) not in (None, NOBODY))

    @cached_property
    def _needs(self) -> Callable[[str, str], str | None]:
        """What a method and a path need. Most requests are for a few paths, and there are many patterns."""

        @lru_cache(maxsize=1_000)
        def needs_of(wanted: str, path: str) -> str | None:
            matches = (needs for method, pattern, needs in self._patterns if method == wanted and pattern.match(path))
            return next(matches, None)

        return needs_of

    @cached_property
    def _patterns(self) -> list[tuple[str, Pattern[str], str]]:
        lines = [(*line.split(" ", 1), needs) for line, needs in self.routes.items()]
        return [(method, compile_path(path)[0], needs) for method, path, needs in lines]


def load_access_table() -> AccessTable:
    """The table of access.toml; ValueError for a value that is neither an action nor one of the three words."""
    sections = tomllib.loads(FILE.read_text(encoding="utf-8"))
    for section, lines in sections.items():
        for line, needs in lines.items():
            if needs not in (ANYBODY, USER, NOBODY) and needs not in set(Action):
                raise ValueError(f"access.toml: {section}: {line}: {needs!r} is no action")
    return AccessTable(**sections)


def is_open_to(needs: str | None, actor: Actor | None) -> bool:
    """True if the actor (None: nobody logged in) may do what `needs` this; None is a thing that is not listed."""
    if needs is None or needs == NOBODY:
        return False
    if needs == ANYBODY:
        return True
    return actor is not None and (needs == USER or is_allowed_somewhere(actor, Action(needs)))
