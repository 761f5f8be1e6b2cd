"""The forms that a text may have in bytes: UTF-8, UTF-16, escaped, hex, and base64 at each of its three offsets."""

from __future__ import annotations

import base64
import html
import json
from urllib.parse import quote

LEAST_CHARACTERS = 3
"""Of base64: a shorter piece would be found anywhere."""


def byte_forms(text: str) -> dict[bytes, str]:
    """What to look for, and what it is called. Plain forms are in small letters: see `is_in_any_case`."""
    plain = text.encode()
    forms: dict[bytes, str] = {}
    for name in ("utf-8", "utf-16-le", "utf-16-be"):
        forms[text.lower().encode(name)] = name.upper()
        for piece in _base64_pieces(text.encode(name)):
            forms[piece] = f"base64 of {name.upper()}"
            forms[piece.translate(bytes.maketrans(b"+/", b"-_"))] = f"base64url of {name.upper()}"
    forms[plain.hex().encode()] = "hex"
    forms[plain.hex().upper().encode()] = "hex"
    if not text.isascii():
        escaped = json.dumps(text)[1:-1]
        forms |= {escaped.encode(): "JSON escapes", escaped.replace("\\", "\\\\").encode(): "doubled JSON escapes"}
        forms |= {quote(text).encode(): "URL escapes", quote(text).lower().encode(): "URL escapes"}
        forms |= {repr(plain)[2:-1].encode(): "Python bytes", html.escape(_entities(text)).encode(): "HTML"}
        forms[_entities(text).encode()] = "HTML"
    return forms


def is_in_any_case(form: str) -> bool:
    """True for a form that is looked for in capital and small letters."""
    return form.startswith("UTF")


def _base64_pieces(data: bytes) -> list[bytes]:
    """The characters that are the same whatever stands before and after the data, at each of the three offsets."""
    pieces = []
    for offset, begin in ((0, 0), (1, 2), (2, 3)):
        end = (offset + len(data)) * 8 // 6
        pieces.append(base64.b64encode(bytes(offset) + data)[begin:end])
    return [piece for piece in pieces if len(piece) >= LEAST_CHARACTERS]


def _entities(text: str) -> str:
    return text.encode("ascii", "xmlcharrefreplace").decode()
