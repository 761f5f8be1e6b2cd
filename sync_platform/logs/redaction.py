"""What no log line contains: secrets, and values of persons.

Messages of this program never have values of persons, because sealed fields are sealed before anything else sees them.
Two things could bring them in, and are handled here: secrets in addresses and headers, which are replaced, and the
texts of unexpected errors, which are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote

from sync_platform.documents.wording import in_one_line
from sync_platform.errors import SyncError
from sync_platform.settings import without_password

SHORTEST_SECRET = 6  # characters; a shorter value occurs in ordinary words
NO_SECRET = "sandbox"  # noqa: S105 - the value of every credential until it is set
HIDDEN = "***"
IN_ADDRESS = re.compile(
    r"([?&;](?:[\w.-]*(?:key|token|secret|signature|password|credential)|sig)=)[^&\s\"'<>]+", re.IGNORECASE
)
IN_HEADER = re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]{6,}", re.IGNORECASE)
HARMLESS = (SyncError, OSError, ImportError, AttributeError, NameError, MemoryError, RecursionError)
"""Errors whose texts name files, addresses and names of the program, and no value of a record."""


class Redaction:
    """Replaces secrets in a text by `***`. `secrets`: the values of settings that are secret."""

    def __init__(self, secrets: Iterable[str]) -> None:
        known = {each for each in secrets if len(each) >= SHORTEST_SECRET and each != NO_SECRET}
        forms = known | {quote(each, safe="") for each in known}
        longest_first = sorted(forms, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, longest_first))) if forms else None

    def __call__(self, text: str) -> str:
        hidden = self._known.sub(HIDDEN, text) if self._known else text
        hidden = IN_ADDRESS.sub(rf"\1{HIDDEN}", without_password(hidden))
        return IN_HEADER.sub(rf"\1 {HIDDEN}", hidden)


def has_harmless_text(error: BaseException) -> bool:
    """True if the text of an error cannot have a value of a record in it. Errors of libraries quote such values."""
    return isinstance(error, HARMLESS)


def harmless_names() -> set[str]:
    """The names of the classes of these errors, for errors of which only the name and the text are known."""
    return set(_names_of(HARMLESS))


def _names_of(kinds: Iterable[type[BaseException]]) -> Iterator[str]:
    for kind in kinds:
        yield kind.__name__
        yield from _names_of(kind.__subclasses__())


def error_in_words(error: BaseException) -> str:
    """The class of an error, and its text where that is harmless."""
    kind = type(error).__name__
    return f"{kind}: {error}" if has_harmless_text(error) else kind


def reason_in_words(error: BaseException) -> str:
    """The text of an error in one line, where that is harmless; else the class of the error."""
    return in_one_line(error) if has_harmless_text(error) else type(error).__name__
