"""A document as text and as a page: every part is written, and no value controls the terminal or the browser."""

from __future__ import annotations

from collections.abc import Callable
from html.parser import HTMLParser

import pytest

from sync_platform.documents.document import Document, DocumentTable, Item, Mark, Section
from sync_platform.documents.html import html_of
from sync_platform.documents.text import text_of
from sync_platform.documents.wording import value_text

TABLE = DocumentTable(
    "Scores", ("dataset", "records", "score"), [("a.b", 1234, Mark("71.0%", "bad")), ("c.d", 0, None)]
)
WHOLE = Document(
    "Report",
    [("Made", "today")],
    [
        Section("Figures", ["A paragraph."], [TABLE, DocumentTable("Backups", ("when",), [])]),
        Section("Events", items=[Item("changed", (1,), (Item("from 1 to 2"),))]),
    ],
    ["A lead."],
    "Notes",
    [Item("landed", items=(Item("line 7"),))],
)
HOSTILE = '<b>\x1b[2J\u202e"><img src=x>'


def filled_with(text: str) -> Document:
    """A document with the text in each of its parts."""
    item = Item(text, (1,), (Item(text),))
    table = DocumentTable(text, (text,), [(text,), (Mark(text, "bad", text),)])
    section = Section(text, [text], [table, DocumentTable(text, (text,), [], text)], [item])
    return Document(text, [(text, text)], [section] * 6, [text], text, [item])


class TagCounter(HTMLParser):
    """Counts the elements of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)


def test_the_text_has_every_part_in_order() -> None:
    assert text_of(WHOLE).split("\n") == [
        "Report",
        "======",
        "Made: today",
        "A lead.",
        "",
        "1. Figures",
        "----------",
        "A paragraph.",
        "",
        "Scores",
        "",
        " dataset   records   score",
        " ─────────────────────────",
        " a.b         1,234   71.0%",
        " c.d             0       –",
        "",
        "",
        "Backups: none on record",
        "",
        "2. Events",
        "---------",
        "changed [1]",
        "  from 1 to 2",
        "",
        "Notes",
        "-----",
        "[1] landed",
        "    line 7",
        "",
    ]


def test_a_terminal_gets_colours_and_its_own_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert "\x1b[1;31m71.0%" in text_of(WHOLE, 80, is_coloured=True)
    long = Document("Report", [], [Section("Words", ["word " * 40], items=[Item("word " * 40)])])
    lengths = sorted(len(line) for line in text_of(long, 60).split("\n"))
    assert lengths[-1] == 199, "an item is one line"
    assert 50 < lengths[-2] <= 60, "a paragraph is wrapped"


def test_the_page_has_every_part() -> None:
    page = html_of(WHOLE)
    for part in (
        "<h1>Report</h1>",
        "<dt>Made</dt><dd>today</dd>",
        "<p>A lead.</p>",
        '<section id="s1"><h2>1. Figures</h2>',
        '<td class="n">1,234</td><td class="n bad">71.0%</td>',
        '<td class="n">–</td>',
        "<strong>Backups:</strong> none on record",
        '<li>changed <sup><a href="#n1">1</a></sup><ul>\n<li>from 1 to 2</li>',
        '<li id="n1">landed<ul>\n<li>line 7</li>',
    ):
        assert part in page
    assert "<nav>" not in page, "two sections need no list of contents"


def test_no_value_becomes_markup_of_the_page() -> None:
    hostile, harmless = (TagCounter(html_of(filled_with(text))).tags for text in (HOSTILE, "harmless"))
    assert hostile == harmless
    assert hostile.count("nav") == 1


@pytest.mark.parametrize("write", [text_of, html_of])
def test_no_value_commands_a_terminal_or_hides_itself(write: Callable[[Document], str]) -> None:
    written = write(filled_with(HOSTILE))
    assert "\x1b" not in written and "\u202e" not in written
    assert "\\x1b[2J\\u202e" in written


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("a", "“a”"),
        (["x", "y"], "“x”, “y”"),
        ({"latitude": 22.5}, "latitude 22.5"),
        ([], "nothing"),
        (None, "nothing"),
        (True, "yes"),
        (0, "0"),
    ],
)
def test_a_value_is_written_in_words(value: object, words: str) -> None:
    assert value_text(value) == words
