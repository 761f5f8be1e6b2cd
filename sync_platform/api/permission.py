"""The permission of a request, and who asks."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from fastapi import Request

from sync_platform.api.api_error import not_authenticated
from sync_platform.api.context import ApiContext
from sync_platform.errors import Forbidden
from sync_platform.permissions.action import Action
from sync_platform.permissions.actor import Actor
from sync_platform.permissions.decision import require_allowed


def permitted(context: ApiContext, action: Action) -> Callable[[Request], Actor]:
    """A dependency: the actor of the request, who is allowed the action; 401 for nobody, else 403."""

    def actor_of(request: Request) -> Actor:
        return require_on(context, known_actor(request), action, [""])

    return actor_of


def known_actor(request: Request) -> Actor:
    """The actor that the server in front has found; 401 where there is none."""
    actor: Actor | None = getattr(request.state, "actor", None)
    if actor is None:
        raise not_authenticated()
    return actor


def require_on(context: ApiContext, actor: Actor, action: Action, resources: Iterable[str]) -> Actor:
    """The actor, who is allowed the action on every resource. A denial is noted; then Forbidden."""
    for resource in resources:
        try:
            require_allowed(actor, action, resource)
        except Forbidden:
            context.note_denial(actor, action, resource)
            raise
    return actor
