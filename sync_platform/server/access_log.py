"""What the server writes into the audit log: logins, changes, and what was denied, each with actor, roles and address.

A change is logged before it is made: if the log cannot be written, it is not made.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from sync_platform.permissions.actor import Actor
from sync_platform.server.rate_limit import RateLimit
from sync_platform.storage.audit_log import AuditLog, Outcome, Via
from sync_platform.storage.operation_name import OperationName

UNKNOWN = "unknown"
"""The actor of a request without a login."""

MOST_DENIALS = 60
"""Of one actor within a minute, each on record: more than a person causes, and too few to fill the log."""
MOST_CHARACTERS = 200
"""Of what was denied, such as a path."""


class ChangeEndLog(Protocol):
    """Logs how a change ended, and what became known of it."""

    def __call__(self, outcome: Outcome, **details: Any) -> None: ...


class AccessLog:
    """The audit log, as the server writes it."""

    def __init__(self, audit_log: AuditLog, clock: Callable[[], float] = time.monotonic) -> None:
        self._log, self._denials = audit_log, RateLimit(MOST_DENIALS, 60, clock)
        self._left_out, self._counting = Counter[str](), threading.Lock()

    def denied(self, actor: Actor | None, address: str, what: str, reason: str) -> None:
        """Something was refused. `what`: a route or a field; never what a person typed.

        Of more than MOST_DENIALS a minute by one actor, the next on record has the number as `left_out`.
        """
        who = actor.name if actor else address
        with self._counting:
            if self._denials.wait_s(who):
                self._left_out[who] += 1
                return
            left_out = self._left_out.pop(who, 0)
        subject = {"what": what[:MOST_CHARACTERS], "reason": reason, **_origin(actor, address)}
        if left_out:
            subject["left_out"] = left_out
        self._log.record(OperationName.denied, subject, actor=_name(actor), via=_via(actor), outcome="failed")

    def logged_in(self, user: str, address: str, how: str) -> None:
        self._log.record(OperationName.log_in, {"how": how, "address": address}, actor=user, via="ui")

    def logged_out(self, actor: Actor) -> None:
        self._log.record(OperationName.log_out, _origin(actor, actor.address), actor=actor.name, via="ui")

    def change_begins(self, operation: str, subject: Mapping[str, Any], actor: Actor) -> ChangeEndLog:
        """Log that a change begins; StorageError if it cannot be logged. What is returned logs how it ended."""
        about = {**subject, **_origin(actor, actor.address)}
        self._log.record(operation, about, actor=actor.name, via=_via(actor), outcome="begun")

        def ended(outcome: Outcome, **details: Any) -> None:
            self._log.record(operation, {**about, **details}, actor=actor.name, via=_via(actor), outcome=outcome)

        return ended


def _name(actor: Actor | None) -> str:
    return actor.name if actor else UNKNOWN


def _via(actor: Actor | None) -> Via:
    """Machines with a token use the API, people the UI."""
    return "api" if actor is None or actor.is_machine else "ui"


def _origin(actor: Actor | None, address: str) -> dict[str, Any]:
    return {"roles": sorted(actor.roles) if actor else [], "address": address}
