"""The cause of a failure: its reason without what differs between platforms, requests and days.

What belongs here: what makes two reasons one cause. Eight platforms that fail for one reason have one cause, and so has
the same reason tomorrow. Removed are the platform and its datasets, addresses, paths, settings, ids, numbers and times,
quoted and bracketed texts, and what follows a semicolon (advice, and when to try again).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

GAP = "…"
"""Stands for what was removed."""
LONGEST, READ = 120, 2000
"""The most characters of a cause, and of the reason that are read for it."""
_FAILED_PAGES = re.compile(r"^(?:more than )?\d+ pages? failed \((.*)\)$", re.DOTALL)
_SUBJECT = re.compile(r"^[\w-]+: ")
"""A platform or an id at the beginning."""
_EXAMPLES = re.compile(r"(?:, (?:such as|e\.g\.)|(?<=lists):|(?<=left out):) .*", re.DOTALL)
_STATUS = re.compile(r"\banswered (\d)\d\d\b(?! bytes)")
_BRACKETED = re.compile(r" ?\([^()]*\)")
_REMOVED = (
    re.compile(r"“[^”]*”|`[^`]*`|\"[^\"]*\"|(?<!\w)'[^']*'(?!\w)"),
    re.compile(r"\b\d{4}-\d\d-\d\d[ T]\d\d:\d\d(?::\d\d)?(?:\.\d+)?(?:Z| [A-Z]{2,5}\b| ?[+-]\d\d:?\d\d)?"),
    re.compile(r"\b[a-z][a-z0-9+]*:/*\S*/\S*"),
    re.compile(r"\S*/\S+"),
    re.compile(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b"),
    re.compile(r"\$[\w.\[\]*-]*"),
    re.compile(r"(?<!\S)[^\s:;,]*\d(?!xx)(?:[^\s:;,]|,(?=\d))*"),
)


def cause_of(reason: str, names: Iterable[str] = ()) -> str:
    """The cause in words, at most LONGEST characters. `names`: the names of the platform and of its datasets."""
    text = _SUBJECT.sub("", reason[:READ])
    while match := _FAILED_PAGES.match(text):
        text = _SUBJECT.sub("", match[1])
    text = _STATUS.sub(r"answered \1xx", _without_brackets(_EXAMPLES.sub("", text)).split("; ")[0])
    for pattern in _REMOVED:
        text = pattern.sub(GAP, text)
    for name in names:
        text = re.sub(rf"(?<![a-zA-Z]){re.escape(name)}(?![a-zA-Z])", GAP, text, flags=re.IGNORECASE)
    return _tidied(text)[:LONGEST] or GAP


def _without_brackets(text: str) -> str:
    """The text without what stands in brackets, also in brackets within brackets."""
    while (shorter := _BRACKETED.sub("", text)) != text:
        text = shorter
    return text


def _tidied(text: str) -> str:
    """One space between words, and one GAP where several follow each other."""
    text = re.sub(rf"{GAP}(?:[\s,:.|=-]*{GAP})+", GAP, re.sub(r"\s+", " ", text))
    return re.sub(rf"^{GAP}:? ?|[\s,:.]+$", "", text).strip()
