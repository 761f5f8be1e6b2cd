"""The correction events of the register: a value was corrected, and later its platform shows the right value itself.

What belongs here: recording these events, and finding the corrections that apply. What is corrected, and how, belongs
in `correction`.
"""

from __future__ import annotations

from collections.abc import Mapping

from sync_platform.errors import UsageError
from sync_platform.lake.corrected_values import ValueCorrection
from sync_platform.privacy.privacy_request import CORRECTED_FIELDS, PrivacyRequest, PrivacyRequestKind
from sync_platform.privacy.request_events import RequestEventKind
from sync_platform.privacy.request_register import RequestRegister, require_identity
from sync_platform.storage.audit_log import Via


def record_correction(
    register: RequestRegister, number: int, values: Mapping[str, str | None], *, actor: str, via: Via = "cli"
) -> int:
    """Record a right value beside the wrong one; returns the number of the correction.

    `values`: those of CORRECTED_FIELDS. UsageError where the request allows no correction. A closed request takes
    further values too.
    """
    details = {name: values[name] for name in CORRECTED_FIELDS}
    kind = RequestEventKind.corrected
    return register.record(number, kind, details, actor, via, require_correction, is_closed_allowed=True)


def record_passed_on(
    register: RequestRegister, correction: ValueCorrection, *, actor: str, via: Via = "schedule"
) -> None:
    """Record that the source shows the right value itself. A repeat records nothing."""
    if correction.number not in register.find(correction.request).passed_on:
        details = {"correction": correction.number}
        kind = RequestEventKind.passed_on
        register.record(correction.request, kind, details, actor, via, is_closed_allowed=True)


def correcting_requests(register: RequestRegister) -> list[PrivacyRequest]:
    """The requests with a correction that applies."""
    if not register.has_any(RequestEventKind.corrected):
        return []
    return [each for each in register.requests() if each.applied_corrections]


def require_correction(request: PrivacyRequest) -> None:
    """UsageError where a value cannot be corrected for this request."""
    if request.kind is not PrivacyRequestKind.correction:
        raise UsageError(f"privacy request {request.number} is no request for a correction")
    if request.lifted_at or request.closing in (RequestEventKind.refused, RequestEventKind.withdrawn):
        raise UsageError(f"privacy request {request.number} is {'lifted' if request.lifted_at else request.closing}")
    require_identity(request)
