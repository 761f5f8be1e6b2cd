"""Codes as platforms send them: texts, numbers, or objects that name the code; one, or a list of them."""

from __future__ import annotations

from typing import Any

from sync_platform.sources.scalars import plain

NAMES = ("name", "value", "text", "label", "code", "id")
"""The fields of an object in which a platform names a code, the one in words first."""


def codes_in(value: Any) -> list[list[str]]:
    """Per code of a field, every text that stands for it, the one in words first; [] for a field without codes.

    `"BAR"`, `["BAR"]`, `{"name": "Bar"}` and `[{"code": "BAR", "name": "Bar"}]` all have one code.
    """
    each = value if isinstance(value, list) else [value]
    return [texts for item in each if (texts := _texts_of(item))]


def code_names(value: Any) -> list[str]:
    """The codes of a field, each by its first text."""
    return [texts[0] for texts in codes_in(value)]


def _texts_of(code: Any) -> list[str]:
    if isinstance(code, dict):
        return [text for name in NAMES for text in _texts_of(code.get(name)) if not isinstance(code.get(name), dict)]
    if isinstance(code, bool) or not isinstance(code, str | int):
        return []
    return [text] if (text := plain(str(code))) else []
