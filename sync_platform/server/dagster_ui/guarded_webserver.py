"""Dagster's webserver with our context, our guarded schema, and only the routes of the table."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

from dagster._core.workspace.context import WorkspaceProcessContext
from dagster_webserver.webserver import DagsterWebserver
from graphene import Schema
from graphql import GraphQLError, GraphQLFormattedError, GraphQLResolveInfo, parse, validate
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.websockets import WebSocket

from sync_platform.server.access_log import AccessLog
from sync_platform.server.access_table import NOBODY, AccessTable
from sync_platform.server.dagster_ui.actor_context import QUERY_WITHIN_S, ActorContext
from sync_platform.server.dagster_ui.guarded_schema import guarded_schema
from sync_platform.server.dagster_ui.lost_asset import in_words
from sync_platform.server.dagster_ui.not_allowed import NotAllowed
from sync_platform.server.refusal import refusal, refusal_of
from sync_platform.settings import without_password

logger = logging.getLogger(__name__)
PREFIX = "/dagster"
MOST_TOKENS = 10_000
"""Of a query: the largest of Dagster's UI has fewer than 3,000."""
UNSUPPORTED_DATA = 1003
POLL_MS = 5000
"""How often the UI asks for the state of assets, in milliseconds."""


class GuardedWebserver(DagsterWebserver[WorkspaceProcessContext, ActorContext]):
    """Dagster's UI and GraphQL below PREFIX; the gate in front has found the actor."""

    def __init__(self, process: WorkspaceProcessContext, table: AccessTable, log: AccessLog) -> None:
        self._table, self._log = table, log
        super().__init__(process, PREFIX, live_data_poll_rate=POLL_MS)

    def create_asgi_app(self, **settings: Any) -> Starlette:
        """The app, whose errors have the form of all other refusals."""
        app = super().create_asgi_app(**settings)
        app.add_exception_handler(HTTPException, refusal_of)
        return app

    def build_graphql_schema(self) -> Schema:
        return guarded_schema(self._table, self._log)

    def build_graphql_middleware(self) -> list[Any]:
        return [within_time]

    def _make_request_context(self, conn: HTTPConnection) -> ActorContext:
        return ActorContext(self._process_context, conn, self._table.permissions)

    def build_routes(self) -> list[BaseRoute]:
        """The routes that the table lists and that are not closed. We mount them below the prefix ourselves."""
        mounted = super().build_routes()[0]  # type: ignore[no-untyped-call]
        assert isinstance(mounted, Mount)
        return [route for route in mounted.routes if self._is_listed(route)]

    def _is_listed(self, route: BaseRoute) -> bool:
        return any(self._table.routes.get(line, NOBODY) != NOBODY for line in lines_of(route, PREFIX))

    async def graphql_http_endpoint(self, request: Request) -> Response:
        """Only JSON objects by POST. A form or a plain text needs no permission of the browser to cross sites."""
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            return refusal(415, "a query is sent as application/json")
        try:
            data = await request.json()
        except ValueError:
            return refusal(400, "the body is not JSON")
        except RecursionError:
            return refusal(400, "the body is nested too deeply")
        if not isinstance(data, dict) or not isinstance(data.get("query"), str):
            return refusal(400, "the body is a JSON object with the text `query`; batches are not possible")
        if not isinstance(data.get("variables") or {}, dict):
            return refusal(400, "`variables` is a JSON object")
        if not isinstance(data.get("operationName") or "", str):
            return refusal(400, "`operationName` is a text")
        try:
            parse(data["query"], max_tokens=MOST_TOKENS)
        except (GraphQLError, RecursionError) as error:
            return refusal(400, getattr(error, "message", "the query is nested too deeply"))
        return await self.execute_graphql_request(
            request, data["query"], data.get("variables"), data.get("operationName")
        )

    async def graphql_ws_endpoint(self, websocket: WebSocket) -> None:
        """As Dagster's, but a message that is not of the protocol ends only its own connection, without a trace."""
        try:
            await super().graphql_ws_endpoint(websocket)
        except (KeyError, ValueError, TypeError, AttributeError, RecursionError) as error:
            logger.info("a websocket is closed after a wrong message: %s", type(error).__name__)
            await websocket.close(UNSUPPORTED_DATA)

    async def execute_graphql_subscription(
        self,
        websocket: WebSocket,
        operation_id: str,
        query: str,
        variables: dict[str, Any] | None,
        operation_name: str | None,
    ) -> tuple[asyncio.Task[Any] | None, GraphQLFormattedError | None]:
        """As Dagster's, but the query is limited and validated too."""
        try:
            document = parse(query, max_tokens=MOST_TOKENS)
        except GraphQLError as error:
            return None, error.formatted
        if problems := validate(self._graphene_schema.graphql_schema, document):
            return None, problems[0].formatted
        return await super().execute_graphql_subscription(websocket, operation_id, query, variables, operation_name)

    async def download_captured_logs_endpoint(self, request: Request) -> Response:
        try:
            answer: Response = await super().download_captured_logs_endpoint(request)
        except ValueError:  # a path that leads out of the folder of logs
            raise HTTPException(404) from None
        return answer

    async def download_debug_file_endpoint(self, request: Request) -> Response:
        if self._process_context.instance.get_run_by_id(request.path_params["run_id"]) is None:
            raise HTTPException(404)
        answer: Response = await super().download_debug_file_endpoint(request)
        return answer

    def handle_graphql_errors(self, errors: Sequence[GraphQLError]) -> list[Any]:
        """The errors without stack traces, which are in the log of the server."""
        for error in errors:
            if error.original_error and not isinstance(error.original_error, GraphQLError):
                logger.error("GraphQL: %s", without_password(str(error)), exc_info=error.original_error)
        return [{**error.formatted, "message": in_words(without_password(error.message))} for error in errors]

    def _determine_status_code(
        self, resolver_errors: list[GraphQLError] | None, captured_errors: list[Exception]
    ) -> int:
        """403 for a change that is not allowed, 400 for a request that is not executed, otherwise 200.

        A field that fails, or is not allowed, is null beside what else was asked for, and `errors` says why: Dagster
        fails on many wrong arguments, so that its 500 says nothing about the server. The log has each failure.
        """
        causes = [each.original_error for each in resolver_errors or []]
        if any(isinstance(each, NotAllowed) and each.is_change for each in causes):
            return 403
        return 400 if any(each.path is None for each in resolver_errors or []) else 200


def within_time(resolve: Callable[..., Any], root: Any, info: GraphQLResolveInfo, **arguments: Any) -> Any:
    """Resolve a field, unless the time of the request is over: a short query of nested lists can ask for very much."""
    if time.monotonic() > info.context.ends_at:
        raise GraphQLError(f"the query takes more than {QUERY_WITHIN_S:.0f} s: ask for less at once")
    return resolve(root, info, **arguments)


def lines_of(route: BaseRoute, prefix: str) -> list[str]:
    """The lines of the table that a route has: `METHOD /path`."""
    if isinstance(route, WebSocketRoute):
        return [f"WEBSOCKET {prefix}{route.path}"]
    if isinstance(route, Mount):
        return [f"GET {prefix}{route.path}/{{path:path}}"]
    assert isinstance(route, Route), route
    return [f"{method} {prefix}{route.path}" for method in sorted(route.methods or {"GET"}) if method != "HEAD"]
