"""The privacy request that an answer belongs to: the one that is named, or a new one, closed with the answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sync_platform.errors import UsageError
from sync_platform.lineage.moment import parse_beginning
from sync_platform.privacy.person_search import Candidate
from sync_platform.privacy.privacy_request import PrivacyRequestKind
from sync_platform.privacy.request_register import RequestRegister

UNSTATED = "not stated: the operator who answered the request vouches for it"
"""The check of the identity, where the operator does not say how it was done."""


@dataclass(frozen=True)
class AccessRequest:
    """An open request for access in the register."""

    register: RequestRegister
    number: int
    actor: str

    @classmethod
    def begun(
        cls,
        ledger_url: str,
        actor: str,
        number: int | None,
        identity: str,
        received: str,
        persons: Sequence[Candidate],
    ) -> AccessRequest:
        """The request with this number; None: a new one. UsageError where it is closed, or of another kind."""
        register = RequestRegister(ledger_url)
        subjects = sorted({each.subject_id for each in persons})
        if number is None:
            received_at = parse_beginning(received, "--received") if received else None
            number = register.add(
                PrivacyRequestKind.access,
                actor=actor,
                received_at=received_at,
                identity=identity.strip() or UNSTATED,
                subjects=subjects,
            )
            return cls(register, number, actor)
        request = register.find(number)
        if not request.is_open or request.kind is not PrivacyRequestKind.access:
            raise UsageError(f"privacy request {number} is no open request for access")
        if identity.strip():
            register.check_identity(number, identity, actor=actor)
        elif not request.identity:
            raise UsageError(f"privacy request {number}: say with --identity how the person's identity was checked")
        register.name_person(number, subjects, actor=actor)
        return cls(register, number, actor)

    def close(self, figures: dict[str, int]) -> None:
        """Record that the person was answered, and with how much."""
        counted = ", ".join(f"{count:,} {name}" for name, count in figures.items())
        self.register.close(self.number, f"access was given: {counted}", actor=self.actor)
        self.register.dispose()
