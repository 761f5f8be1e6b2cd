"""The restricted form of sealed values: what an export has in place of a value of a person who restricted its use.

What belongs here: the replacement in any text. Who is restricted is in the register of privacy requests.
"""

from __future__ import annotations

from collections.abc import Set

from sync_platform.vault.erased_values import SEALED_VALUE
from sync_platform.vault.sealed_values import PREFIX

RESTRICTED = "restricted"


def without_restricted(text: str, subjects: Set[str]) -> str:
    """The text, in which each sealed value of these data subjects is replaced by `sealed:v1:ID:restricted`."""
    if not subjects or PREFIX not in text:
        return text
    return SEALED_VALUE.sub(
        lambda found: f"{PREFIX}{found[1]}:{RESTRICTED}" if found[1] in subjects else found[0], text
    )
