"""The personal fields of a record, the person they belong to, and why they are kept.

Sealing, access, erasure and the register of personal data (docs/privacy.md) use this declaration.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class PersonalKind(StrEnum):
    """What a personal field says about a person."""

    name = "name"
    handle = "handle"
    """The name or id of a person's account on the platform."""
    email = "e-mail address"
    phone = "phone number"
    home = "place where the person lives"
    picture = "picture"
    text = "free text"
    """What a person wrote. It may have anything, so it is sealed as a whole."""
    unstated = "not stated"


@dataclass(frozen=True)
class Processing:
    """Why the personal data of a dataset is kept: GDPR Art. 30(1), PDPO Sch. 1 DPP 1, 2, 3 and 5.

    `whose`: the persons. `purpose`: the purpose of keeping it. `basis`: the legal basis. `recipients`: who receives it.
    `in_chinese`: the same in traditional Chinese, for the answer to a person who asks for access.
    """

    whose: str
    purpose: str
    basis: str
    recipients: str
    in_chinese: Processing | None = None


@dataclass(frozen=True)
class Personal:
    """The personal fields of a dataset's records.

    `fields` and `subject` are dotted paths into the record (`author.name`). The first filled path of `subject` names
    the data subject. Where no path is filled, the record is its own data subject, so that it can still be erased.
    `fields` also says of what kind each field is. Where a platform file states no kinds, or no `processing`, the
    compliance report says that the register has a gap.
    """

    fields: Mapping[str, PersonalKind] | tuple[str, ...]
    subject: tuple[str, ...]
    processing: Processing | None = None

    def kind_of(self, path: str) -> PersonalKind:
        return self.fields[path] if isinstance(self.fields, Mapping) else PersonalKind.unstated

    @property
    def unstated(self) -> list[str]:
        """What the register lacks, in words; empty where it is complete."""
        missing = [path for path in self.fields if self.kind_of(path) is PersonalKind.unstated]
        return [*(f"the kind of {path}" for path in missing), *([] if self.processing else ["why the data is kept"])]


NOTHING_PERSONAL = Personal((), ())
"""What a dataset without personal fields declares."""
