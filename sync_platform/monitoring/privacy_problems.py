"""Problems of privacy requests: those whose last day for an answer has passed, and erasures that do not end.

What belongs here: the sentences. When a request is due is in privacy/request_deadline.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from sync_platform.documents.local_time import local_minute
from sync_platform.documents.typed_command import named_command
from sync_platform.monitoring.problem import Problem, ProblemName
from sync_platform.privacy.erasure_record import Erasure
from sync_platform.privacy.privacy_request import PrivacyRequest

ERASURE_TIME = timedelta(hours=24)
"""An erasure is complete so long after its confirmation, or after the end of its legal hold; the job tries hourly."""


def privacy_problems(requests: Iterable[PrivacyRequest], now: datetime) -> Iterator[Problem]:
    """One problem for each request that is overdue."""
    for request in requests:
        if not request.is_overdue(now):
            continue
        number = str(request.number)
        yield Problem(
            ProblemName.privacy_request_overdue,
            number,
            f"Privacy request {number} ({request.kind}) was received on {request.received_on} and due on "
            f"{request.due_on}. It is not answered.",
            "A person has not received the answer that the law promises. Data stay as they are.",
            "Answer the request now, or refuse it with the reason and the law, and tell who is responsible for data "
            f"protection: `{named_command('privacy', 'requests', 'close', number, '--answer', 'TEXT')}`.",
            ("privacy", "requests", "show", number),
            (f"privacy request {number}",),
        )


def erasure_problems(erasures: Iterable[Erasure], now: datetime) -> Iterator[Problem]:
    """One problem for each confirmed erasure that is not complete after a day."""
    for erasure in erasures:
        if erasure.expected_from is None or now - erasure.expected_from <= ERASURE_TIME:
            continue
        number = str(erasure.number)
        yield Problem(
            ProblemName.erasure_overdue,
            number,
            f"Erasure {number} could be complete since {local_minute(erasure.expected_from)}, and is {erasure.state}. "
            f"The last attempt failed: {erasure.problem or 'no attempt is on record'}.",
            "A copy of a person's data that must be erased can perhaps still be read.",
            "Remove what the failed step names, then go on with the erasure: "
            f"`{named_command('privacy', 'erasure', 'continue')}`.",
            ("privacy", "erasure", "show", number),
            (f"erasure {number}",),
        )
