"""The error that a response means, by its status and its headers; its body is not needed."""

from __future__ import annotations

import httpx

from sync_platform.errors import AuthenticationFailed, Refused, ServerFailed, SyncError, Throttled
from sync_platform.sources.retry_after_header import retry_after_s


def error_of_response(platform: str, response: httpx.Response, html_is_a_wall: bool) -> SyncError | None:
    """The error of a status or a bot wall; None for a good answer. `html_is_a_wall`: HTML means that we are blocked."""
    status = response.status_code
    where = f"{platform}: {response.url} answered {status}"
    wait_s = retry_after_s(response.headers)
    if status == 429 or (status == 403 and html_is_a_wall):
        return Throttled(f"{where}: too many requests", wait_s)
    if status == 503 and wait_s is not None:
        return Throttled(f"{where}: not available for now", wait_s)
    if status in (401, 403):
        return AuthenticationFailed(f"{where}: check {platform.upper()}_API_KEY")
    if status in (408, 425) or status >= 500:
        return ServerFailed(where, status)
    if status >= 400:
        return Refused(where)
    if html_is_a_wall and "html" in response.headers.get("content-type", ""):
        return Throttled(f"{platform}: {response.url} answered HTML in place of data: blocked")
    return None
