"""The one function that decides who may do what. What no role allows is forbidden."""

from __future__ import annotations

from sync_platform.errors import Forbidden
from sync_platform.permissions.action import Action
from sync_platform.permissions.actor import Actor
from sync_platform.permissions.role import Role

VIEWER = frozenset({Action.read_data, Action.read_state})
OPERATOR = VIEWER | {
    Action.read_logs,
    Action.export_data,
    Action.start_run,
    Action.stop_run,
    Action.start_emergency,
    Action.change_alerts,
    Action.start_backup,
    Action.plan_restore,
}
COMPLIANCE = VIEWER | {
    Action.read_logs,
    Action.read_audit,
    Action.export_data,
    Action.read_privacy,
    Action.change_privacy,
    Action.unseal_for_access,
}
ALLOWED: dict[Role, frozenset[Action]] = {
    Role.viewer: VIEWER,
    Role.operator: OPERATOR,
    Role.compliance: COMPLIANCE,
    Role.admin: frozenset(Action),
    Role.unsealer: frozenset({Action.unseal_for_analysis}),
}


def is_allowed(actor: Actor, action: Action, resource: str = "") -> bool:
    """True if a role of the actor allows the action, and the actor's scope does not exclude it.

    `resource` names what the action is done to, such as a platform. A scope that is limited to one resource
    (`start-emergency:chope`) allows the action on that resource only.
    """
    if not _has_role_for(actor, action):
        return False
    if actor.scope is None:
        return True
    return action in actor.scope or (bool(resource) and f"{action}:{resource}" in actor.scope)


def is_allowed_somewhere(actor: Actor, action: Action) -> bool:
    """True if the action is allowed on at least one resource. Where the resource is known, `is_allowed` decides."""
    if not _has_role_for(actor, action):
        return False
    return actor.scope is None or any(entry.partition(":")[0] == action for entry in actor.scope)


def _has_role_for(actor: Actor, action: Action) -> bool:
    return any(action in ALLOWED[role] for role in actor.roles)


def require_allowed(actor: Actor, action: Action, resource: str = "") -> None:
    """Raise Forbidden if `is_allowed` is false."""
    if not is_allowed(actor, action, resource):
        roles = ", ".join(sorted(actor.roles)) or "no role"
        on_what = f" on {resource}" if resource else ""
        limit = ", limited by its token" if actor.scope is not None else ""
        raise Forbidden(f"{action}{on_what} is not allowed for {actor.name} ({roles}{limit})")
