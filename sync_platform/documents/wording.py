"""Values as one line of text.

What belongs here: how a value is written for people. No value can control a terminal or look like another value.
"""

from __future__ import annotations

import re
from typing import Any

INVISIBLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
"""Characters that control a terminal, or that a reader cannot see."""


MAX_ITEMS = 8
"""Of a longer list only the first and the last item are written."""


def visible(text: str) -> str:
    """The text with every invisible character spelt out, such as `\\x1b`."""
    return INVISIBLE.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def verbatim(text: str) -> str:
    """The text as `visible` writes it, but with its line breaks."""
    return "\n".join(map(visible, text.split("\n")))


def counted(count: int, noun: str) -> str:
    """A count with its noun in the right number: `1 entry`, `1,234 entries`. The last word of the noun changes."""
    if count == 1:
        return f"1 {noun}"
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return f"{count:,} {noun[:-1]}ies"
    return f"{count:,} {noun}{'es' if noun.endswith(('ch', 's', 'sh', 'x')) else 's'}"


def in_one_line(text: object) -> str:
    """A message of a library in one line: its line breaks and tabs as spaces."""
    return " ".join(str(text).split())


def value_text(value: Any) -> str:
    """A value in words: text in quotation marks, lists with commas, `nothing` for an empty value."""
    if value is None or value == []:
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(value_text, value))
    if isinstance(value, dict):
        return ", ".join(f"{name} {value_text(item)}" for name, item in value.items())
    return f"“{value}”" if isinstance(value, str) else str(value)


def subject_text(subject: dict[str, Any]) -> str:
    """What an operation is about, in one line; of a long list only its first and its last item."""
    return "; ".join(f"{name}: {_shortened(value)}" for name, value in subject.items())


def _shortened(value: Any) -> str:
    if isinstance(value, dict):
        return _shortened([f"{name} {_shortened(item)}" for name, item in value.items()])
    if isinstance(value, list):
        items = list(map(_shortened, value))
        return ", ".join(items) if len(items) <= MAX_ITEMS else f"{items[0]} … {items[-1]} ({len(items):,})"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else str(value)
