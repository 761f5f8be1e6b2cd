"""The class of every route: errors become envelopes, and answers to reads have an ETag.

What belongs here: what holds for the request and the answer of every route, whatever it does.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections import Counter
from collections.abc import Callable, Collection, Coroutine, Iterator
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
JSON_TYPE = re.compile(r"application/([\w.-]+\+)?json", re.IGNORECASE)
OF_BODY = {408: "timeout", 413: "too_large"}
"""The codes of a body that did not arrive in time, or is too large."""
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class EnvelopedRoute(APIRoute):
    """A route whose every answer is an envelope, or a file."""

    def get_route_handler(self) -> Handler:
        handle = super().get_route_handler()
        known_names = {field.alias for field in self.dependant.query_params} if self.include_in_schema else None
        has_body = self.body_field is not None

        async def handle_enveloped(request: Request) -> Response:
            try:
                await _require_readable(request, known_names, has_body=has_body)
                return with_etag(request, await handle(request))
            except Exception as error:
                return error_answer(_api_error(error))

        return handle_enveloped


async def _require_readable(request: Request, known_names: Collection[str] | None, *, has_body: bool) -> None:
    """ApiError for a request that no route can understand as it was meant.

    `known_names`: the parameters of the route's query; None: any.
    """
    content = b"" if request.method == "GET" else await request.body()
    if has_body and content and not JSON_TYPE.fullmatch(_content_type(request)):
        raise ApiError(415, "unsupported_media_type", "send the body as application/json")
    details = [*_nul_in(request, content), *(_wrong_names(request, known_names) if known_names is not None else ())]
    if details:
        raise ApiError(422, "invalid_request", "the request is wrong", details)


def _content_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip()


def _nul_in(request: Request, content: bytes) -> Iterator[dict[str, str]]:
    """Where the character NUL is: it ends a statement of the lake's catalog, and PostgreSQL cannot store it."""
    path = [("path", name, str(value)) for name, value in request.path_params.items()]
    query = [("query", name, value) for name, value in request.query_params.multi_items()]
    for where, name, value in (*path, *query):
        if NUL in value:
            yield {"where": where, "field": name, "message": "has the character NUL"}
    if ESCAPED_NUL in content:
        yield {"where": "body", "field": "", "message": "has the character NUL"}


def _wrong_names(request: Request, known_names: Collection[str]) -> Iterator[dict[str, str]]:
    """Parameters that are not known, since they may be misspelt, and those that are there more than once."""
    unknown = f"is no parameter of this path, which has: {', '.join(sorted(known_names)) or 'none'}"
    for name, count in Counter(name for name, _ in request.query_params.multi_items()).items():
        if name not in known_names:
            yield {"where": "query", "field": name, "message": unknown}
        elif count > 1:
            yield {"where": "query", "field": name, "message": f"is there {count} times"}


def _api_error(error: Exception) -> ApiError:
    if isinstance(error, ApiError):
        return error
    if isinstance(error, SyncError):
        return answered_as(error)
    if isinstance(error, RequestValidationError):
        return ApiError(422, "invalid_request", "the request is wrong", [_detail(each) for each in error.errors()])
    if isinstance(error, HTTPException) and error.status_code in OF_BODY:
        return ApiError(error.status_code, OF_BODY[error.status_code], str(error.detail), headers=error.headers)
    if isinstance(error, HTTPException):  # FastAPI's, for a body that is not even text
        return ApiError(422, "invalid_request", str(error.detail))
    logger.error("a request failed unexpectedly", exc_info=error)
    return ApiError(500, "internal_error", "the request failed unexpectedly; the log of the server says more")


def _detail(problem: Any) -> dict[str, str]:
    """A problem without the value that was sent, which may be personal."""
    where, *path = problem["loc"]
    if problem["type"] == "json_invalid":  # its place is a character
        message = f"is no JSON: {problem['ctx']['error']} (character {path[0]})"
        return {"where": str(where), "field": "", "message": message}
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
