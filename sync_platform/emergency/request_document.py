"""Emergency requests as JSON, from a file or from a message.

A document is `{"platforms": ["chope"], "reason": "…", "priority": "high", "requester": "…", "key": "…"}`; only the
reason is required.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from sync_platform.emergency.request_store import RequestStore
from sync_platform.emergency.submission import DEFAULT_PRIORITY, Submission, submit_request
from sync_platform.sources.declaration import Platform


class RequestDocument(msgspec.Struct, forbid_unknown_fields=True):
    """One request. An unknown field is refused: it may be misspelt."""

    reason: str
    platforms: list[str] = []
    priority: str = DEFAULT_PRIORITY
    requester: str = ""
    key: str | None = None

    def submit(
        self, requests: RequestStore, platforms: Mapping[str, Platform], *, sender: str, receipt: str
    ) -> Submission:
        """Submit the request. `sender`: who asks, where the document does not say. `receipt`: see `submit_request`."""
        return submit_request(
            requests,
            platforms,
            self.platforms,
            reason=self.reason,
            requester=self.requester.strip() or sender,
            priority=self.priority,
            key=self.key,
            receipt=receipt,
        )


@dataclass
class ProcessedRequests:
    """The submissions, the reasons of refused documents by their place, and the errors of those to be tried again."""

    submissions: list[Submission] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
