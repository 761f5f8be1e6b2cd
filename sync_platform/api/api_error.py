"""Errors of the API: the HTTP status and the code of each, for errors of the core too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sync_platform.errors import (
    Busy,
    Forbidden,
    NoLakeYet,
    NotFound,
    StorageError,
    SyncError,
    TermsNotAccepted,
    TransientError,
    UsageError,
)

PROBLEMS: Mapping[type[SyncError], tuple[int, str]] = {
    NotFound: (404, "not_found"),
    NoLakeYet: (404, "no_data_yet"),
    TermsNotAccepted: (409, "terms_not_accepted"),
    UsageError: (422, "invalid_request"),
    Forbidden: (403, "forbidden"),
    Busy: (409, "busy"),
    StorageError: (503, "storage_unavailable"),
    TransientError: (503, "try_again"),
    SyncError: (409, "not_possible"),
}
"""The status and the code of each error of the core. Of two that fit, the first counts."""


class ApiError(Exception):
    """An error of a request, as it is answered. `details` says more in a form for programs."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        details: list[dict[str, Any]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.details, self.headers = status, code, details or [], dict(headers or {})


def not_authenticated() -> ApiError:
    """The error of a request without a valid token or session."""
    return ApiError(401, "not_authenticated", "send a token: Authorization: Bearer sp_…", None, BEARER)


BEARER = {"WWW-Authenticate": "Bearer"}


def answered_as(error: SyncError) -> ApiError:
    """An error of the core as it is answered."""
    status, code = next(answer for kind, answer in PROBLEMS.items() if isinstance(error, kind))
    return ApiError(status, code, str(error), headers={"Retry-After": "10"} if status == 503 else None)
