"""Answers to requests that are refused before they reach a route, in the form of the API's errors."""

from __future__ import annotations

from math import ceil

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

CODES = {
    400: "bad_request",
    401: "not_authenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    408: "timeout",
    413: "too_large",
    414: "too_long",
    415: "unsupported_media_type",
    421: "unknown_host",
    429: "too_many_requests",
    431: "headers_too_large",
    500: "internal_error",
    503: "storage_unavailable",
}
POLICY_VIOLATION = 1008
"""The code with which a websocket is closed (RFC 6455, 7.4.1)."""


def refusal(status: int, message: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """The answer `{"success": false, "error": {code, message, details}}`."""
    error = {"code": CODES[status], "message": message, "details": []}
    return JSONResponse({"success": False, "error": error}, status, headers)


async def refusal_of(_: Request, error: Exception) -> Response:
    """The answer to a request that ended with an HTTPException, of a route or of Starlette."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = dict(getattr(error, "headers", None) or {})
    return refusal(status if status in CODES else 400, str(getattr(error, "detail", "")), headers)


def too_many(wait_s: float) -> JSONResponse:
    """The answer to a client that asks too often. `wait_s`: the seconds after which it may ask again."""
    return refusal(429, "too many requests: wait, and try again", {"Retry-After": str(ceil(wait_s))})


async def refuse(scope: Scope, receive: Receive, send: Send, response: Response) -> None:
    """Send the answer; a websocket is closed before it opens, which its client sees as 403."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": POLICY_VIOLATION})
    else:
        await response(scope, receive, send)
