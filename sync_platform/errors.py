"""The tree of errors. What a caller may do about an error is decided by its class, here and nowhere else.

SyncError
├── PermanentError            trying again cannot help
│   ├── UsageError            the person asked for something that does not exist or cannot be (exit code 2)
│   │   ├── SettingsError     a setting has a wrong value
│   │   └── TermsNotAccepted  a live platform without its terms accepted
│   ├── PresentOnly           a past period of a platform that serves only the present
│   ├── AuthenticationFailed  the platform refuses our credentials
│   ├── Refused               the platform answers 4xx: the request itself is wrong
│   ├── ContractBroken        a page is not what the contract says (names platform, URL, page, field)
│   └── StorageError          home, landing store, ledger, vault or lake cannot be read or written
│       ├── NoLakeYet         nothing has been synced into the lake, so there is none to read
│       └── DamagedManifest   a landing manifest can be read, and is none
└── TransientError            the same request may succeed later
    ├── ConnectionFailed      refused, reset, or timed out
    ├── ServerFailed          HTTP 5xx, or an error inside HTTP 200 that the platform calls its own
    ├── MalformedBody         truncated, or not the format asked for (HTML for JSON)
    ├── Busy                  another activity has what this one needs for itself
    └── Throttled             429, or a bot wall; carries how long to wait
"""

from __future__ import annotations


class SyncError(Exception):
    """Anything this platform reports on purpose; its text is fit for a person, and never holds a personal value."""


class PermanentError(SyncError):
    """Trying again cannot help."""


class TransientError(SyncError):
    """The same request may succeed later."""


class UsageError(PermanentError):
    """The request names something that does not exist or cannot be."""


class SettingsError(UsageError):
    """A setting has a wrong value."""


class TermsNotAccepted(UsageError):
    """A live address of a platform whose terms the operator has not accepted."""


class PresentOnly(PermanentError):
    """A past period was asked of a platform that serves only the present, and nothing was landed for it."""


class AuthenticationFailed(PermanentError):
    """The platform refuses our credentials."""


class Refused(PermanentError):
    """The platform answered 4xx: the request itself is wrong."""


class StorageError(PermanentError):
    """Home, landing store, ledger, vault or lake cannot be read or written."""


class NoLakeYet(StorageError):
    """Nothing has been synced into the lake, so there is none to read."""


class DamagedManifest(StorageError):
    """A landing manifest can be read, and is not what one is."""


class ContractBroken(PermanentError):
    """A page is not what the platform's contract says.

    `field` is a path such as `$.data[3].latitude`; `page` is the connector's own label of the page.
    """

    def __init__(self, platform: str, url: str, page: str, field: str, problem: str) -> None:
        super().__init__(f"{platform}: page {page} of {url} breaks the contract at {field}: {problem}")
        self.platform, self.url, self.page, self.field, self.problem = platform, url, page, field, problem


class ConnectionFailed(TransientError):
    """Refused, reset, or timed out."""


class ServerFailed(TransientError):
    """HTTP 5xx, or an error inside HTTP 200 that the platform calls its own."""


class MalformedBody(TransientError):
    """A body that is truncated, or not the format asked for."""


class Busy(TransientError):
    """Another activity has what this one needs for itself; the text names it."""


class Throttled(TransientError):
    """429 or a bot wall. `retry_after_s` is what the platform asked for, if it did."""

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


def stops_the_platform(error: SyncError) -> bool:
    """Whether further requests to the same platform are pointless (locked out) rather than one page lost."""
    return isinstance(error, AuthenticationFailed | Throttled | UsageError | StorageError | PresentOnly)
