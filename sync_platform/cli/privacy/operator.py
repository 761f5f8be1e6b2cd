"""The operator of a privacy command: who it is, and whether their role allows it."""

from __future__ import annotations

from sync_platform.permissions.action import Action
from sync_platform.permissions.actor import command_line_actor
from sync_platform.permissions.decision import require_allowed
from sync_platform.settings import Settings


def require_operator(settings: Settings, action: Action) -> str:
    """The name of the operator; Forbidden where the role OPERATOR_ROLE does not allow the action."""
    actor = command_line_actor(settings)
    require_allowed(actor, action)
    return actor.name
