"""Who may do what, as lines of a file: a change of a role, an action or a route is seen in review.

    python -m sync_platform_tests.server.who_may_do_what

writes the file anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from sync_platform.permissions.action import Action
from sync_platform.permissions.actor import Actor
from sync_platform.permissions.decision import is_allowed
from sync_platform.permissions.role import Role
from sync_platform.server.access_table import ANYBODY, NOBODY, USER, load_access_table

LISTED_FILE = Path(__file__).with_suffix(".txt")


def is_open(needs: str, role: Role | None) -> bool:
    """What the table says, in the terms of the one function that decides. No role: nobody is logged in."""
    if needs in (ANYBODY, NOBODY):
        return needs == ANYBODY
    if role is None:
        return False
    return needs == USER or is_allowed(Actor("x", frozenset({role})), Action(needs))


def listed_lines() -> Iterator[str]:
    """A line for each thing that the server knows: its section, its name, and who may use it."""
    for section, lines in asdict(load_access_table()).items():
        for name, needs in lines.items():
            callers = ["nobody" if role is None else role.value for role in (None, *Role) if is_open(needs, role)]
            yield f"{section}: {name}: {' '.join(callers) or 'closed'}"


if __name__ == "__main__":
    LISTED_FILE.write_text("".join(f"{line}\n" for line in listed_lines()))
