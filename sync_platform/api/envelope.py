"""The envelope of every answer: `{"success": true, "data": …}` or `{"success": false, "error": {…}}`.

What belongs here: the form of answers, which is camelCase JSON with times in UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic, Literal, TypeVar

from fastapi import Response
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from sync_platform.api.api_error import ApiError

Data = TypeVar("Data")
Item = TypeVar("Item")
JSON = "application/json"


class ApiModel(BaseModel):
    """A part of a request or an answer. Its names are camelCase in JSON."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, serialize_by_alias=True)


class ApiBody(ApiModel):
    """The body of a request. An unknown name is refused: it may be misspelt."""

    model_config = ConfigDict(extra="forbid")


class Envelope(ApiModel, Generic[Data]):
    """The answer to a request that succeeded."""

    success: Literal[True] = True
    data: Data


class ErrorDetail(ApiModel):
    """One thing that is wrong. `where`: body, query, path or header; `field`: a path such as `sources.0`."""

    where: str = ""
    field: str = ""
    message: str


class ErrorBody(ApiModel):
    """What is wrong. Programs read `code`, people `message`."""

    code: str
    message: str
    details: list[ErrorDetail] = []


class ErrorEnvelope(ApiModel):
    """The answer to a request that failed."""

    success: Literal[False] = False
    error: ErrorBody


class AnswerPage(ApiModel, Generic[Item]):
    """A part of a list."""

    items: list[Item]
    next_cursor: str | None = Field(
        None, description="The value of `cursor` for the next page. Null: this is the last."
    )


def enveloped(model: type[Data], data: Data, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """The answer with this data."""
    body = Envelope[model](data=data).model_dump_json(by_alias=True)  # type: ignore[valid-type]
    return Response(body, status, dict(headers or {}), JSON)


def error_answer(error: ApiError) -> Response:
    """The answer to a request that failed."""
    details = [ErrorDetail(**detail) for detail in error.details]
    body = ErrorEnvelope(error=ErrorBody(code=error.code, message=str(error), details=details))
    return Response(body.model_dump_json(by_alias=True), error.status, error.headers, JSON)


def documented_errors(*more: int) -> dict[int | str, dict[str, Any]]:
    """The errors of a route in the OpenAPI document. `more`: statuses that not every route has."""
    return {status: {"model": ErrorEnvelope, "description": STATUSES[status]} for status in sorted({*EVERY, *more})}


STATUSES = {
    401: "No valid token or session",
    403: "The role does not allow it",
    404: "There is no such thing, or nothing was synced yet",
    409: "Not possible in the present state",
    413: "The body is too large",
    415: "The body is not sent as application/json",
    422: "The request is wrong: `error.details` says where",
    429: "Too many requests: `Retry-After` says how many seconds to wait",
    503: "The storage cannot be used now",
}
EVERY = (401, 403, 422, 429, 503)
WITH_BODY = (413, 415)
"""Of a route that reads a body."""
