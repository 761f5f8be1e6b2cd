"""The tree of errors. The class of an error decides what a caller may do about it.

SyncError
├── PermanentError            trying again cannot help
│   ├── UsageError            the request names something that does not exist or is not possible (exit code 2)
│   │   ├── NotFound          the thing that the request names does not exist
│   │   ├── SettingsError     a setting has a wrong value
│   │   └── TermsNotAccepted  a live platform without its terms accepted
│   ├── PresentOnly           a past period of a platform that serves only the present
│   ├── AuthenticationFailed  the platform refuses our credentials
│   │   └── TokenInDoubt      a single-use token was sent and its answer was lost: a person must authorise again
│   ├── Forbidden             the actor has no role that allows the action
│   ├── Refused               the platform answers 4xx: the request itself is wrong
│   ├── BodyTooLarge          an answer is larger than the limit, and may have no end
│   ├── OutputFailed          standard output cannot be written
│   ├── MessageRefused        a channel refuses one message about an alert; it takes others
│   ├── UndeclaredField       a field looks personal, and the platform file does not declare it
│   ├── ContractBroken        a page is not what the contract says (names platform, URL, page, field)
│   └── StorageError          home, landing store, ledger, vault or lake cannot be read or written
│       ├── NoLakeYet         no sync has created the lake yet
│       ├── MadeByNewer       a newer version of this program made what is stored
│       ├── AnotherDeployment a second deployment uses the same ledger or the same lake
│       ├── TakenOver         another installation took over, and this one may not write any more
│       ├── LockLost          another process has the lock that this one has lost
│       ├── DamagedManifest   a landing manifest can be read, but its content is invalid
│       ├── DamagedValue      a value in a database is not of its type: another program wrote it
│       ├── MissingFile       the catalog of the lake names a file that is not there (any more)
│       └── DamagedBackup     a manifest or an object of a backup is missing, or is not what was written
└── TransientError            the same request may succeed later
    ├── ConnectionFailed      refused, reset, or timed out
    ├── ServerFailed          HTTP 5xx, or an error inside HTTP 200 that the platform reports as its own fault
    ├── MalformedBody         truncated, or not in the requested format (HTML instead of JSON)
    ├── DeliveryFailed        a channel cannot be reached, or takes no messages now
    ├── Busy                  another activity holds the lease that this one needs
    └── Throttled             HTTP 429, or a page that blocks bots; says how long to wait
"""

from __future__ import annotations


class SyncError(Exception):
    """Base class of all expected errors. The text is written for a person and never contains a personal value."""


class PermanentError(SyncError):
    """Trying again cannot help."""


class TransientError(SyncError):
    """The same request may succeed later."""


class UsageError(PermanentError):
    """The request names something that does not exist or is not possible."""


class NotFound(UsageError):
    """The thing that the request names does not exist."""


class SettingsError(UsageError):
    """A setting has a wrong value."""


class TermsNotAccepted(UsageError):
    """The base URL is a live platform whose terms the operator has not accepted."""


class PresentOnly(PermanentError):
    """A past period was requested from a platform that serves only the present, and no landed data exists for it."""


class AuthenticationFailed(PermanentError):
    """The platform refuses our credentials."""


class TokenInDoubt(AuthenticationFailed):
    """A single-use token was sent and its answer was lost. It is not sent again: a person must authorise again."""


class Forbidden(PermanentError):
    """The actor has no role that allows the action."""


class Refused(PermanentError):
    """The platform answered 4xx: the request itself is wrong."""


class BodyTooLarge(PermanentError):
    """The platform answered a body that is larger than the limit, once decoded."""


class OutputFailed(PermanentError):
    """Standard output cannot be written: the disk of its file is full, or it is closed."""


class MessageRefused(PermanentError):
    """A channel refuses one message about an alert; it takes others."""


class StorageError(PermanentError):
    """Home, landing store, ledger, vault or lake cannot be read or written."""


class NoLakeYet(StorageError):
    """No sync has created the lake yet."""


class MadeByNewer(StorageError):
    """A newer version of this program made what is stored, or has migrated it since; nothing was changed."""


class AnotherDeployment(StorageError):
    """The daemon of another deployment works on this ledger or on this lake."""


class TakenOver(StorageError):
    """Another installation took over after a failover, and this one may not write any more."""


class LockLost(StorageError):
    """Another process has the lock that this one has lost, such as in a failover of PostgreSQL; nothing was written."""


class DamagedManifest(StorageError):
    """A landing manifest can be read, but its content is invalid."""


class MissingFile(StorageError):
    """The catalog of the lake names a file that is not there, or not there any more."""


class DamagedValue(StorageError):
    """A value in a database cannot be read: another program wrote it, or the file is damaged."""


class DamagedBackup(StorageError):
    """A manifest or an object of a backup is missing, or is not what was written."""


class UndeclaredField(PermanentError):
    """A platform sends a field that looks personal and that its file does not declare."""


class ContractBroken(PermanentError):
    """A page is not what the platform's contract says.

    `field` is a path such as `$.data[3].latitude`. `page` is the label that the connector gave the page.
    """

    def __init__(self, platform: str, url: str, page: str, field: str, problem: str) -> None:
        super().__init__(f"{platform}: page {page} of {url} breaks the contract at {field}: {problem}")
        self.platform, self.url, self.page, self.field, self.problem = platform, url, page, field, problem


class ConnectionFailed(TransientError):
    """The connection was refused or reset, or it timed out. `was_sent`: whether the request may have arrived."""

    def __init__(self, message: str, was_sent: bool = True) -> None:
        super().__init__(message)
        self.was_sent = was_sent


class ServerFailed(TransientError):
    """The platform answered HTTP 5xx, or HTTP 200 with an error that it reports as its own fault.

    `status`: the HTTP status; None for an error inside HTTP 200.
    """

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class MalformedBody(TransientError):
    """The body is truncated, or is not in the requested format."""


class DeliveryFailed(TransientError):
    """A channel for messages about alerts cannot be reached, or takes no messages now."""


class Busy(TransientError):
    """Another activity holds the lease that this one needs; the text names that activity."""


class Throttled(TransientError):
    """The platform answered HTTP 429, or a page that blocks bots. `retry_after_s`: the wait it asked for, if any."""

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


def stops_the_platform(error: SyncError) -> bool:
    """True if no more requests may be sent to the platform; otherwise only one page is lost."""
    return isinstance(error, AuthenticationFailed | Throttled | UsageError | StorageError | PresentOnly)


def may_have_taken_effect(error: SyncError) -> bool:
    """True if the platform may have done what a request asks, although we have no usable answer.

    False where the request did not arrive, or where the platform itself answers that it failed. A gateway's 502 or 504
    says nothing about the server behind it.
    """
    if isinstance(error, ConnectionFailed):
        return error.was_sent
    if isinstance(error, ServerFailed):
        return error.status in (502, 504) or (error.status or 0) >= 520
    return isinstance(error, MalformedBody | ContractBroken | BodyTooLarge)
