"""Reads XML files that list records, without loading entities, DTDs or addresses that they refer to.

A file that is not well-formed is read record by record: what has one plain meaning is read as that, and a record that
may have lost something is marked. A file that is cut off is a broken page.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from xml.sax.saxutils import unescape

from lxml import etree

from sync_platform.errors import MalformedBody
from sync_platform.sources.reply import Reply
from sync_platform.sources.xml_text import BROKEN_BYTE, NO_TEXT, mended, text_of

_DOCTYPE = re.compile(r"<!DOCTYPE\b(?:[^\[\]<>\"']|\"[^\"]*\"|'[^']*'|\[(?:[^\]\"']|\"[^\"]*\"|'[^']*')*\])*>")
_ROOT = re.compile(r"\s*<([A-Za-z_][\w.-]*)")
_ENTITY = re.compile(r"<!ENTITY\s+(?:%\s+)?([^\s\"']+)")
_LEAF = re.compile(r"<([A-Za-z_][\w.-]*)\s*>([^<]*)</\1\s*>")


@dataclass(frozen=True)
class ListedElement:
    """One record. `problem`: why something of it may be lost, None for a whole record; then `element` has only its
    fields that can be read."""

    element: etree._Element
    problem: str | None = None


@dataclass(frozen=True)
class ElementList:
    """A file that lists records. `root`: the document, without its records if it is not well-formed. `notes`: what was
    odd and cost nothing, in words."""

    root: etree._Element
    records: list[ListedElement]
    notes: list[str] = field(default_factory=list)


def read_xml_list(reply: Reply, container: str, record: str) -> ElementList:
    """The records of a body, children of its element `container`; MalformedBody where it is cut off or has none."""
    text, notes = text_of(reply)
    try:
        root = _parsed(text)
    except (etree.XMLSyntaxError, UnicodeEncodeError) as error:
        return _read_loosely(reply, text, container, record, notes, str(error))
    problem = _entity_problem if "<!ENTITY" in text else lambda element: None
    records = [ListedElement(each, problem(each)) for each in root.iterfind(f"{container}/{record}")]
    return ElementList(root, records, notes)


def _entity_problem(element: etree._Element) -> str | None:
    """Why a text of the record cannot be read: references to entities that a file declares are not expanded."""
    entity = next(element.iter(etree.Entity), None)
    return None if entity is None else f"it refers to {entity.text}, which is not expanded"


def _parsed(text: str) -> etree._Element:
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True,
        encoding="utf-8",
    )  # fmt: skip
    return etree.fromstring(text.encode(), parser)


def _read_loosely(reply: Reply, text: str, container: str, record: str, notes: list[str], problem: str) -> ElementList:
    declared = _DOCTYPE.search(text[:100_000])
    entities = frozenset(_ENTITY.findall(declared[0])) if declared else frozenset[str]()
    if declared:
        text = text[: declared.start()] + text[declared.end() :]
    text, counts = mended(text, entities)
    text = _without_rest(text, record, counts)
    end = text.rfind(f"</{container}>")
    starts = [match.start() for match in re.finditer(rf"<{record}(?=[\s/>])", text)]
    try:
        if end < 0 or not starts or starts[-1] > end:
            raise ValueError(problem)
        root = _parsed(BROKEN_BYTE.sub(NO_TEXT, text[: starts[0]] + text[end:]))
    except (etree.XMLSyntaxError, ValueError) as error:
        raise MalformedBody(f"{reply.platform}: {reply.url} is not whole XML: {error}") from None
    slices = [text[start:stop] for start, stop in zip(starts, [*starts[1:], end], strict=True)]
    records = [_record(each, record, counts) for each in slices]
    return ElementList(root, records, [*notes, *_in_words(counts)])


def _without_rest(text: str, record: str, counts: Counter[str]) -> str:
    """The text up to the end of its outermost element, where only padding, or what a server adds, stands after it."""
    root = _ROOT.match(text)
    before, end, rest = text.rpartition(f"</{root[1]}>") if root else ("", "", text)
    if not end or f"<{record}" in rest:
        return text
    counts["text after the end"] += bool(rest.strip())
    return before + end


def _record(text: str, name: str, counts: Counter[str]) -> ListedElement:
    """One record from its text, which ends where the next one begins."""
    closed = re.search(rf"</{name}\s*>", text)
    own, rest = (text[: closed.end()], text[closed.end() :]) if closed else (text.rstrip(), "")
    counts["text between two records"] += bool(rest.strip())
    if BROKEN_BYTE.search(own):
        return ListedElement(_readable(own, name), "it has a byte that is not text")
    try:
        return ListedElement(_parsed(own))
    except etree.XMLSyntaxError as error:
        return ListedElement(_readable(own, name), f"it is not whole XML ({error.msg})")


def _readable(text: str, name: str) -> etree._Element:
    """The fields of a broken record that are whole, and that it has once."""
    fields = [(match[1], match[2]) for match in _LEAF.finditer(text) if not BROKEN_BYTE.search(match[2])]
    times = Counter(name for name, _ in fields)
    element = etree.Element(name)
    for each, value in fields:
        if times[each] == 1 and "&" not in value.replace("&amp;", "").replace("&lt;", "").replace("&gt;", ""):
            etree.SubElement(element, each).text = unescape(value)
    return element


def _in_words(counts: Counter[str]) -> list[str]:
    """What was replaced, such as `2 x bare &, 1 x control character`; nothing where nothing was."""
    words = ", ".join(f"{count:,} x {kind}" for kind, count in counts.items() if count)
    return [f"it is not well-formed XML and was read loosely ({words})"] if words else []
