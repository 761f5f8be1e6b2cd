"""The actor: the person or machine that asks for something."""

from __future__ import annotations

from dataclasses import dataclass

from sync_platform.permissions.role import Role
from sync_platform.settings import Settings
from sync_platform.storage.audit_log import system_user

TOKEN_PREFIX = "token:"  # noqa: S105 - of names


@dataclass(frozen=True)
class Actor:
    """A person or a machine with its roles.

    `name` stands in the audit log. `address` is the network address of a client; empty for the command line.
    `scope` narrows what the roles allow, for tokens: the actions that remain, each `ACTION` or `ACTION:RESOURCE`
    (`start-emergency:chope`). None: the roles are not narrowed.
    """

    name: str
    roles: frozenset[Role]
    address: str = ""
    scope: frozenset[str] | None = None

    @property
    def is_machine(self) -> bool:
        """True if it is known by a token. No user's name has a colon."""
        return self.name.startswith(TOKEN_PREFIX)


def command_line_actor(settings: Settings) -> Actor:
    """The operator of the command line: SYNC_ACTOR or the system's user, with the role OPERATOR_ROLE."""
    return Actor(settings.sync_actor or system_user(), frozenset({Role(settings.operator_role)}))
