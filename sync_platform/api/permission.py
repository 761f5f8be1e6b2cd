"""The permission of a request, and who asks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from sync_platform.api.api_error import not_authenticated
from sync_platform.api.context import ApiContext
from sync_platform.errors import Forbidden
from sync_platform.permissions.action import Action
from sync_platform.permissions.actor import Actor
from sync_platform.permissions.decision import is_allowed, require_allowed


def permitted(context: ApiContext, action: Action) -> Callable[[Request], Awaitable[Actor]]:
    """A dependency: the actor of the request, who is allowed the action; 401 for nobody, else 403.

    It is asynchronous, because FastAPI gives a function that is not a thread of its own; only a denial is written.
    """

    async def actor_of(request: Request) -> Actor:
        actor = known_actor(request)
        if not is_allowed(actor, action):
            await run_in_threadpool(require_on, context, actor, action, [""])
        return actor

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
