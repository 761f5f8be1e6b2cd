"""The text of an XML body: its encoding, and the characters that XML does not allow.

The bytes decide the encoding, the declaration only where they leave a choice: some files are UTF-8 and declare
otherwise, and files that declare `Big5` use the characters of Hong Kong (HKSCS), which plain Big5 does not have.
"""

from __future__ import annotations

import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE, lookup
from collections import Counter
from html.entities import html5
from xml.sax.saxutils import escape

from sync_platform.sources.reply import Reply

DECODERS = {
    "utf-8": "utf-8", "ascii": "utf-8", "utf-16": "utf-16", "big5": "big5hkscs", "big5hkscs": "big5hkscs",
    "cp950": "big5hkscs", "gb2312": "gb18030", "gbk": "gb18030", "gb18030": "gb18030", "iso8859-1": "cp1252",
    "cp1252": "cp1252",
}  # fmt: skip
"""Per declared encoding (Python's name) the one that is read: the same characters and more, which such files use."""
BROKEN_BYTE = re.compile("[\ud800-\udfff]")
"""A byte that is not text in the encoding, as `surrogateescape` decodes it."""
NO_TEXT = "\ufffd"
_DECLARED = re.compile(rb"""^\s*<\?xml[^>]*?\sencoding\s*=\s*["']([\w.:-]+)["']""")
_CHARSET = re.compile(r"charset\s*=\s*\"?([\w.:-]+)", re.IGNORECASE)
_DECLARATION = re.compile(r"<\?xml\s[^>]*\?>")
_OWN = frozenset(("amp", "lt", "gt", "quot", "apos"))
_MENDED = re.compile(
    r"""<!\[CDATA\[(?P<literal>.*?)\]\]>
    | (?P<remark> <!--.*?--> | <\?.*?\?> )
    | &(?P<reference> (?:\#\d{1,10} | \#[xX][0-9a-fA-F]{1,8} | [A-Za-z][A-Za-z0-9]*) (?=;) )?;?
    | (?P<sign> <(?![A-Za-z_:/!?]) | \]\]> )
    | (?P<control> [\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff] )""",
    re.VERBOSE | re.DOTALL,
)


def text_of(reply: Reply) -> tuple[str, list[str]]:
    """The text of a body without its XML declaration and without what comes before it, and what was odd about it.

    A byte that is not text becomes a lone surrogate (`BROKEN_BYTE`).
    """
    body, notes = reply.body, []
    declared = _declared_encoding(reply)
    text, used = _decoded(body, declared)
    if declared and used != declared and not body.isascii():
        notes.append(f"it declares {declared} and is {used}")
    begun = text.lstrip("\ufeff \t\r\n")
    if text[:1].isspace() and begun.startswith("<?xml"):
        notes.append("blanks stand before its XML declaration")
    return _DECLARATION.sub("", begun, count=1) if begun.startswith("<?xml") else begun, notes


def mended(text: str, entities: frozenset[str]) -> tuple[str, Counter[str]]:
    """The text with what XML does not allow replaced where its meaning is plain, and the number of each replacement.

    A bare `&` or `<` is that sign; a named character of HTML is that character; a control character is a blank if
    Unicode counts it as one, else U+FFFD. CDATA becomes plain text. References to `entities`, which the file itself
    declares, stay: they are not expanded.
    """
    counts: Counter[str] = Counter()

    def replacement(match: re.Match[str]) -> str:
        if match["remark"] is not None:
            return ""
        if match["literal"] is not None:
            return escape(_without_controls(match["literal"], counts))
        if match["control"] is not None:
            return _without_controls(match["control"], counts)
        if match["sign"] is not None:
            counts["bare < or ]]>"] += 1
            return escape(match["sign"])
        return _reference(match, entities, counts)

    return _MENDED.sub(replacement, text), counts


def _reference(match: re.Match[str], entities: frozenset[str], counts: Counter[str]) -> str:
    name = match["reference"]
    if name is None:
        counts["bare &"] += 1
        return "&amp;" + match[0][1:]
    if name in _OWN or name in entities:
        return match[0]
    if name.startswith("#"):
        code = int(name[2:], 16) if name[1] in "xX" else int(name[1:])
        character = chr(code) if code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF else "\ufffe"
        return escape(_without_controls(character, counts)) if _is_forbidden(character) else f"&#{code};"
    if f"{name};" in html5:
        counts["name of a character in HTML"] += 1
        return escape(html5[f"{name};"])
    counts["bare &"] += 1
    return "&amp;" + match[0][1:]


def _without_controls(text: str, counts: Counter[str]) -> str:
    changed = "".join((" " if each.isspace() else NO_TEXT) if _is_forbidden(each) else each for each in text)
    counts["control character"] += sum(map(_is_forbidden, text))
    return changed


def _is_forbidden(character: str) -> bool:
    """True for a character that XML 1.0 does not allow (section 2.2); lone surrogates are left to the caller."""
    return (character < " " and character not in "\t\n\r") or character in "\ufffe\uffff"


def _declared_encoding(reply: Reply) -> str | None:
    """The encoding that the file declares, else the one of the answer's header, by Python's name; None for another."""
    match = _DECLARED.search(reply.body[:500].removeprefix(b"\xef\xbb\xbf"))
    named = match[1].decode() if match else ""
    if not named and (charset := _CHARSET.search(reply.content_type)):
        named = charset[1]
    try:
        name = lookup(named).name if named else ""
    except LookupError:
        return None
    return name if name in DECODERS else None


def _decoded(body: bytes, declared: str | None) -> tuple[str, str]:
    """The text and its encoding: UTF-16 by its first bytes, UTF-8 if the whole body is that, else as declared."""
    if body.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        return body.decode("utf-16", "replace"), "utf-16"
    if body[:2] in (b"<\0", b"\0<"):
        name = "utf-16-le" if body[1] == 0 else "utf-16-be"
        return body.decode(name, "replace"), "utf-16"
    try:
        return body.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        texts = {"utf-8": body.decode("utf-8", "surrogateescape")}
    if declared not in (None, "utf-8", "utf-16"):
        texts[declared] = body.decode(DECODERS[declared], "surrogateescape")
    used = min(texts, key=lambda name: len(BROKEN_BYTE.findall(texts[name])))
    return texts[used], used
