"""The router with every route of the API, and the answer for paths and methods that it does not have."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.routing import Match, Route

from sync_platform.api.alerts import add_alerts
from sync_platform.api.api_error import ApiError
from sync_platform.api.backups import add_backups
from sync_platform.api.bulk import add_bulk
from sync_platform.api.changes import add_changes
from sync_platform.api.context import ApiContext
from sync_platform.api.emergency import add_emergency
from sync_platform.api.enveloped_route import EnvelopedRoute
from sync_platform.api.health import add_health
from sync_platform.api.jobs import add_jobs
from sync_platform.api.lineage import add_lineage
from sync_platform.api.permission import known_actor
from sync_platform.api.privacy import add_privacy
from sync_platform.api.quality import add_quality
from sync_platform.api.restaurants import add_restaurants
from sync_platform.api.syncs import add_syncs

PREFIX = "/api/production-sync"
ADDED = (
    add_health,
    add_emergency,
    add_lineage,
    add_backups,
    add_jobs,
    add_restaurants,
    add_changes,
    add_quality,
    add_syncs,
    add_alerts,
    add_bulk,
    add_privacy,
)
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]


def api_router(context: ApiContext) -> APIRouter:
    """The routes, below PREFIX. The server in front sets `request.state.actor`; without one, all answer 401."""

    @asynccontextmanager
    async def lifespan(_: object) -> AsyncIterator[None]:
        """Jobs of a server that was killed go on with this one. What the first requests need is read meanwhile."""
        context.prepare()
        await run_in_threadpool(context.resume_jobs)
        yield
        await run_in_threadpool(context.close)

    router = APIRouter(prefix=PREFIX, route_class=EnvelopedRoute, lifespan=lifespan)
    for add in ADDED:
        add(router, context)
    _add_others(router)
    return router


def _add_others(router: APIRouter) -> None:
    known = [route for route in router.routes if isinstance(route, Route)]

    @router.api_route("/{path:path}", methods=METHODS, include_in_schema=False)
    def answer_other(request: Request, path: str) -> Response:
        """404 for a path that there is not, 405 for a method that a path does not have."""
        known_actor(request)
        matched = [route for route in known if route.matches(request.scope)[0] is Match.PARTIAL]
        if matched:
            allowed = ", ".join(sorted({method for route in matched for method in route.methods or ()}))
            raise ApiError(405, "method_not_allowed", f"this path allows {allowed}", headers={"Allow": allowed})
        raise ApiError(404, "not_found", "there is no such path: docs/api.md lists them all")
