"""Problems of privacy requests: requests whose last day for an answer has passed.

What belongs here: the sentences. When a request is due is in privacy/request_deadline.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from sync_platform.documents.typed_command import named_command
from sync_platform.monitoring.problem import Problem, ProblemName
from sync_platform.privacy.privacy_request import PrivacyRequest


def privacy_problems(requests: Iterable[PrivacyRequest], now: datetime) -> Iterator[Problem]:
    """One problem for each request that is overdue."""
    for each in requests:
        if not each.is_overdue(now):
            continue
        number = str(each.number)
        yield Problem(
            ProblemName.privacy_request_overdue,
            number,
            f"Privacy request {number} ({each.kind}) was received on {each.received_on} and due on {each.due_on}. It "
            "is not answered.",
            "A person has not received the answer that the law promises. Data stay as they are.",
            "Answer the request now, or refuse it with the reason and the law, and tell who is responsible for data "
            f"protection: `{named_command('privacy', 'requests', 'close', number, '--answer', 'TEXT')}`.",
            ("privacy", "requests", "show", number),
            (f"privacy request {number}",),
        )
