"""The class of every route: errors become envelopes, and answers to reads have an ETag."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from sync_platform.api.api_error import ApiError, answered_as
from sync_platform.api.envelope import error_answer
from sync_platform.errors import SyncError
from sync_platform.storage.lake_text import NUL

ESCAPED_NUL = rb"\u0000"  # as JSON has it
logger = logging.getLogger(__name__)
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class EnvelopedRoute(APIRoute):
    """A route whose every answer is an envelope, or a file."""

    def get_route_handler(self) -> Handler:
        handle = super().get_route_handler()

        async def handle_enveloped(request: Request) -> Response:
            try:
                await _refuse_nul(request)
                return with_etag(request, await handle(request))
            except Exception as error:
                return error_answer(_api_error(error))

        return handle_enveloped


async def _refuse_nul(request: Request) -> None:
    """ApiError 422 for the character NUL: it ends a statement of the lake's catalog, and PostgreSQL cannot store it."""
    path = [("path", name, str(value)) for name, value in request.path_params.items()]
    query = [("query", name, value) for name, value in request.query_params.multi_items()]
    details = [
        {"where": where, "field": name, "message": "has the character NUL"}
        for where, name, value in (*path, *query)
        if NUL in value
    ]
    if request.method != "GET" and ESCAPED_NUL in await request.body():
        details.append({"where": "body", "field": "", "message": "has the character NUL"})
    if details:
        raise ApiError(422, "invalid_request", "the request is wrong", details)


def _api_error(error: Exception) -> ApiError:
    if isinstance(error, ApiError):
        return error
    if isinstance(error, SyncError):
        return answered_as(error)
    if isinstance(error, RequestValidationError):
        return ApiError(422, "invalid_request", "the request is wrong", [_detail(each) for each in error.errors()])
    if isinstance(error, HTTPException):  # FastAPI's, for a body that is not even text
        return ApiError(422, "invalid_request", str(error.detail))
    logger.error("a request failed unexpectedly", exc_info=error)
    return ApiError(500, "internal_error", "the request failed unexpectedly; the log of the server says more")


def _detail(problem: Any) -> dict[str, str]:
    """A problem without the value that was sent, which may be personal."""
    where, *path = problem["loc"]
    return {
        "where": str(where),
        "field": ".".join(map(str, path)),
        "message": problem["msg"].removeprefix("Value error, "),
    }


def with_etag(request: Request, response: Response) -> Response:
    """A read's answer with the ETag of its content; 304 without content where the client has it already."""
    body = getattr(response, "body", b"")
    if request.method != "GET" or response.status_code != 200 or not body:
        return response
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    if "cache-control" not in response.headers:
        response.headers["Cache-Control"] = "private, no-cache"
    response.headers["ETag"] = etag
    known = request.headers.get("if-none-match", "")
    if known.strip() == "*" or etag in [each.strip().removeprefix("W/") for each in known.split(",")]:
        headers = {name: response.headers[name] for name in ("etag", "cache-control")}
        return Response(status_code=304, headers=headers)
    return response
