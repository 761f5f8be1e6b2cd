"""What a person is asked for by: an id on a platform, an e-mail address, a phone number, a handle or a name."""

from __future__ import annotations

from dataclasses import dataclass

from sync_platform.errors import UsageError
from sync_platform.vault.identifiers import Identifier, normalised
from sync_platform.vault.personal_fields import PersonalKind


@dataclass(frozen=True)
class PersonQuestion:
    """At least one of these. `subject`: `PLATFORM:ID`, or the subject id itself."""

    subject: str = ""
    email: str = ""
    phone: str = ""
    handle: str = ""
    name: str = ""

    def identifiers(self) -> list[Identifier]:
        """What the vault is searched for; UsageError for a value that is no identifier of its kind."""
        given = {
            PersonalKind.email: self.email,
            PersonalKind.phone: self.phone,
            PersonalKind.handle: self.handle,
            PersonalKind.name: self.name,
        }
        identifiers = [Identifier(kind, value) for kind, value in given.items() if value]
        for each in identifiers:
            if normalised(each) is None:
                raise UsageError(f"{each.value!r} is no {each.kind}")
        return identifiers

    @property
    def asked_by(self) -> list[str]:
        """The kinds that it names, for records that must not name the person."""
        return [*(["subject"] if self.subject else []), *(each.kind.name for each in self.identifiers())]
