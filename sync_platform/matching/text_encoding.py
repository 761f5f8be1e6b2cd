"""The encoding of a text file: UTF-8, UTF-16, Big5 with Hong Kong's signs, or Windows-1252 of Western Europe.

What belongs here: finding the encoding. Bytes of one encoding are often valid in another, so a text counts as Big5 or
Windows-1252 only where its characters are those that such a text usually has.
"""

from __future__ import annotations

import codecs
import re
from pathlib import Path

from sync_platform.errors import UsageError

UTF_8, BIG5, WINDOWS_1252 = "utf-8", "big5hkscs", "cp1252"
NAMES = {BIG5: "Big5", WINDOWS_1252: "Windows-1252"}
"""What people call the encodings other than Unicode."""
HEAD_BYTES = 64 * 1024
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]+")
_WESTERN = re.compile("[À-ÖØ-öø-þŒœŠšŽž¡¿ªº°´·«»®’‘“”„–—…€\xa0]{1,3}")
"""Letters and signs of Western Europe. Few of them come in a row."""
_FIRST_COMMON, _LAST_COMMON = 0xA1, 0xC6
"""First bytes of signs and of the 5,401 usual characters of Big5."""
_LEAST_COMMON = 0.75
_LAST_ASCII = 0x7E
_ENOUGH = 12  # characters; 2 of 5 in Big5 have a second byte within ASCII


def encoding_of(path: Path) -> str:
    """The encoding of a text file: UTF-16 by its mark or its zero bytes, else the first that fits. UsageError where
    none does."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if head.count(0) > len(head) // 32:
        return "utf-16-le" if head[1:2] == b"\0" else "utf-16-be"
    if b"\0" in head:
        raise UsageError(f"{path} has the character NUL: it is damaged, or is no text")
    if _is_utf_8(path):
        return UTF_8
    body = path.read_bytes()
    if _is_western(body):
        return WINDOWS_1252
    if _is_big5(body):
        return BIG5
    raise UsageError(
        f"{path} is neither UTF-8, UTF-16, Big5 nor Windows-1252: convert it to UTF-8, such as with "
        f"`iconv -f ENCODING -t UTF-8 {path.name} > converted.csv`"
    )


def _is_utf_8(path: Path) -> bool:
    try:
        with path.open(encoding=UTF_8) as file:
            while file.read(HEAD_BYTES):
                pass
    except UnicodeDecodeError:
        return False
    return True


def _is_western(body: bytes) -> bool:
    try:
        text = body.decode(WINDOWS_1252)
    except UnicodeDecodeError:
        return False
    return all(_WESTERN.fullmatch(run) for run in _BEYOND_ASCII.findall(text))


def _is_big5(body: bytes) -> bool:
    """True where most characters are usual ones, and some have a second byte within ASCII: texts in other encodings of
    Asia give many rare ones, or have no such bytes."""
    try:
        text = body.decode(BIG5)
    except UnicodeDecodeError:
        return False
    written = [character.encode(BIG5) for run in _BEYOND_ASCII.findall(text) for character in run]
    common = sum(_FIRST_COMMON <= each[0] <= _LAST_COMMON for each in written)
    has_low = any(each[1] <= _LAST_ASCII for each in written)
    return common >= _LEAST_COMMON * len(written) and (has_low or len(written) < _ENOUGH)
