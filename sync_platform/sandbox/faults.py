"""The faults that the sandbox can play on any platform, each with its meaning.

What belongs here: the names of faults. What doesn't: how a fault is written (see `planned_faults`), how it is played
(see `list_faults` for lists and `server` for the connection), and the faults of one platform, which its view declares.
"""

from __future__ import annotations

CONNECTION_FAULTS = {
    "timeout": "no answer for `value` seconds (3600), then the connection closes",
    "slow": "the answer comes after `value` seconds (2)",
    "reset": "the connection closes in the middle of the body",
    "429": "too many requests",
    "429-retry-after": "too many requests, come back after `value` seconds (1)",
    "500": "server error",
    "401": "credentials refused, in the platform's own way",
    "truncated": "the body ends in the middle",
    "html": "an HTML page for people instead of data",
    "error-in-200": "HTTP 200 with an error code of the platform's own",
}
LIST_FAULTS = {
    "empty": "the list has no records, and its total is zero",
    "half": "the list ends at its half, its total unchanged",
    "retyped": "one field of the page's first record has another type",
    "unknown-field": "every record has one more, unknown field",
    "duplicates": "the page's first record comes again with a different value",
    "repeated-page": "the records of the previous page come again",
    "shuffled": "the list is in another order",
    "endless-cursor": "paging never ends: after the last record the first follows again",
}
FAULTS = {**CONNECTION_FAULTS, **LIST_FAULTS}

PAGED = frozenset(FAULTS) - {"error-in-200"}
"""The faults of a platform that asks for credentials and sends its lists in pages."""
UNPAGED = PAGED - {"401", "repeated-page", "shuffled", "endless-cursor"}
"""The faults of a platform that sends each list as one open file."""
