"""Identifiers that stand for a blank, such as "n/a" in place of an e-mail address or of a handle: they name nobody.

Everyone whose record has one would be one person, whose access shows, and whose erasure erases, the data of all.
"""

from __future__ import annotations

from sync_platform.placeholders import is_account_placeholder, is_placeholder
from sync_platform.vault.normalisation import phone_number
from sync_platform.vault.personal_fields import PersonalKind

HONG_KONG = "+852"


def names_somebody(kind: PersonalKind, text: str) -> bool:
    """False for what stands for a blank: an address without `@`, a number of zeros, a handle that is a placeholder."""
    if kind is PersonalKind.email:
        mailbox, at, domain = text.strip().rpartition("@")
        return bool(at) and not (is_account_placeholder(mailbox) and is_account_placeholder(domain.partition(".")[0]))
    if kind is PersonalKind.phone:
        number = (phone_number(text) or text).removeprefix(HONG_KONG)
        return any(each.isdigit() and each != "0" for each in number)
    if kind is PersonalKind.name:
        return not is_placeholder(text, may_be_name=True)
    return not is_account_placeholder(text)
