"""The error that a response means: by its status and its headers, or by the code in its body."""

from __future__ import annotations

import re
from collections.abc import Callable

import httpx

from sync_platform.errors import AuthenticationFailed, Refused, ServerFailed, SyncError, Throttled
from sync_platform.sources.retry_after_header import retry_after_s

_ABOUT_CREDENTIALS = re.compile(r"\b(unauthori[sz]ed|forbidden|bearer|token|credentials?|api key)\b", re.IGNORECASE)


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
    if status >= 300 and not _is_expected(response):
        return ServerFailed(f"{where}, and names no address to go to", status)
    if html_is_a_wall and "html" in response.headers.get("content-type", ""):
        return Throttled(f"{platform}: {response.url} answered HTML in place of data: blocked")
    return None


def _is_expected(response: httpx.Response) -> bool:
    """True for a redirect that is followed, and for "not modified" where we asked whether it is."""
    return response.has_redirect_location or (
        response.status_code == 304 and "if-none-match" in response.request.headers
    )


def code_errors(setting: str) -> Callable[[str, str, str], SyncError]:
    """The error of a code that is a letter and an HTTP status, such as A401. `setting`: that of our credentials.

    Often only the words of the message show that the credentials are refused.
    """

    def error_of(code: str, message: str, text: str) -> SyncError:
        if code[1:] in ("401", "403") or _ABOUT_CREDENTIALS.search(message):
            return AuthenticationFailed(f"{text}: check {setting}")
        return ServerFailed(text)

    return error_of
