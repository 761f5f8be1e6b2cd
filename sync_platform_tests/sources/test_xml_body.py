"""XML that is almost well-formed: read where its meaning is plain, marked per record where something may be lost."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from sync_platform.errors import MalformedBody
from sync_platform.sources.reply import Reply
from sync_platform.sources.xml_body import ElementList, read_xml_list

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<DATA><DAY>2026-11-20</DAY><LPS>'
TAIL = "</LPS>\n</DATA>\n"


def row(number: str, sign: str) -> str:
    return f"<LP><NO>{number}</NO><SS>{sign}</SS><END>2027-01-01</END></LP>\n"


def document(sign: str, head: str = HEAD) -> str:
    return head + row("1", "Lucky") + row("2", sign) + row("3", "好運") + TAIL


def read(body: str | bytes, content_type: str = "text/xml") -> ElementList:
    sent = body if isinstance(body, bytes) else body.encode()
    return read_xml_list(
        Reply("register", "https://api.example.test/file", 200, datetime.now(UTC), sent, content_type=content_type),
        "LPS",
        "LP",
    )


def signs(found: ElementList) -> list[str | None]:
    return [record.element.findtext("SS") for record in found.records]


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ("Fish & Chips", "Fish & Chips"),
        ("R&B; Soul", "R&B; Soul"),
        ("A&", "A&"),
        ("Fish &amp; Chips", "Fish & Chips"),
        ("Caf&eacute;&nbsp;One & Two", "Café\xa0One & Two"),
        ("up\x0bstairs", "up stairs"),
        ("up&#x1F;stairs", "up stairs"),
        ("up&#31;stairs", "up stairs"),
        ("no\x00thing", "no\ufffdthing"),
        ("no&#0;thing", "no\ufffdthing"),
        ("no&#xD800;thing", "no\ufffdthing"),
        ("no&#9999999999;thing", "no\ufffdthing"),
        ("I <3 you & me", "I <3 you & me"),
        ("a ]]> b", "a ]]> b"),
        ("<![CDATA[A & B <LP>\x0c]]> & C", "A & B <LP>  & C"),
        ("one<!-- <LP> -->two & three", "onetwo & three"),
        ("&#x597D;&#X904B; & more", "好運 & more"),
        ("one<!-- a -- b -->two", "onetwo"),
    ],
)
def test_a_character_that_xml_does_not_allow_is_read_where_its_meaning_is_plain(sent: str, meant: str) -> None:
    records_read = read(document(sent))
    assert signs(records_read) == ["Lucky", meant, "好運"]
    assert [record.problem for record in records_read.records] == [None] * 3
    assert records_read.root.findtext("DAY") == "2026-11-20"


@pytest.mark.parametrize("before", ["\n", " \r\n", "\ufeff", "\ufeff\n"])
def test_what_stands_before_the_declaration_is_skipped(before: str) -> None:
    assert signs(read(before + document("Two"))) == ["Lucky", "Two", "好運"]


@pytest.mark.parametrize("after", ["\0\0", "\x1a", "<!-- cached -->\n<p>served by proxy</p>"])
def test_what_stands_after_the_end_is_skipped(after: str) -> None:
    records_read = read(document("Two") + after)
    assert signs(records_read) == ["Lucky", "Two", "好運"]
    assert records_read.notes


def test_a_second_file_that_is_cut_off_is_a_broken_page() -> None:
    with pytest.raises(MalformedBody):
        read(document("Two") + "<DATA><LPS>" + row("4", "Four"))


def test_a_record_that_refers_to_an_entity_is_marked() -> None:
    head = HEAD.replace("<DATA>", '<!DOCTYPE DATA [<!ENTITY a "Tea">]><DATA>')
    assert [record.problem for record in read(document("&a;", head)).records] == [
        None,
        "it refers to &a;, which is not expanded",
        None,
    ]


@pytest.mark.parametrize(
    ("declared", "encoding"),
    [
        ("Big5", "utf-8"),
        ("ISO-8859-1", "utf-8"),
        ("UTF-16", "utf-8"),
        ("no-such-encoding", "utf-8"),
        ("base64", "utf-8"),
        ("Big5", "big5hkscs"),
        ("big5-hkscs", "big5hkscs"),
        ("UTF-16", "utf-16"),
        ("UTF-16", "utf-16-le"),
        ("UTF-8", "utf-16"),
    ],
)
def test_the_bytes_decide_the_encoding(declared: str, encoding: str) -> None:
    body = document("鰂魚涌滙豐鴨脷洲", HEAD.replace("UTF-8", declared)).encode(encoding)
    assert signs(read(body)) == ["Lucky", "鰂魚涌滙豐鴨脷洲", "好運"]


def test_the_header_says_the_encoding_where_the_file_does_not() -> None:
    body = document("鰂魚涌", "<DATA><LPS>").encode("big5hkscs")
    assert signs(read(body, "text/xml; charset=Big5")) == ["Lucky", "鰂魚涌", "好運"]


def test_what_was_odd_is_told() -> None:
    assert read(document("Two")).notes == []
    assert read(document("鰂", HEAD.replace("UTF-8", "ISO-8859-1"))).notes == ["it declares iso8859-1 and is utf-8"]
    assert read("\n" + document("A & B\x0b")).notes == [
        "blanks stand before its XML declaration",
        "it is not well-formed XML and was read loosely (1 x bare &, 1 x control character)",
    ]


@pytest.mark.parametrize(
    "broken",
    [
        row("2", "Two").replace("</SS>", ""),
        row("2", "Two").replace("</LP>", ""),
        row("2", "Two").replace("</END>", "</ENB>"),
        row("2", "A <B> C"),
    ],
)
def test_a_record_with_a_broken_tag_is_marked_and_its_neighbours_are_read(broken: str) -> None:
    records_read = read(HEAD + row("1", "Lucky") + broken + row("3", "好運") + TAIL)
    assert [record.element.findtext("NO") for record in records_read.records] == ["1", "2", "3"]
    assert [record.problem is None for record in records_read.records] == [True, False, True]
    assert signs(records_read)[::2] == ["Lucky", "好運"]


def test_a_byte_that_is_not_text_marks_its_record_and_its_field_is_not_read() -> None:
    records_read = read(document("TWO").encode().replace(b"TWO", b"T\xffO"))
    assert [record.problem for record in records_read.records] == [None, "it has a byte that is not text", None]
    assert signs(records_read) == ["Lucky", None, "好運"]
    records_read = read(document("Two").encode().replace(b"<NO>2", b"<NO>\xff"))
    assert [record.element.findtext("NO") for record in records_read.records] == ["1", None, "3"]


def test_no_entity_of_the_file_is_expanded() -> None:
    bomb = '<!DOCTYPE DATA [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;"><!ENTITY c SYSTEM "file:///etc/hostname">]>'
    for reference in ("&b;", "&c;", "&b; & more"):
        records_read = read(bomb + document(reference, "<DATA><LPS>"))
        assert signs(records_read)[::2] == ["Lucky", "好運"]
        assert records_read.records[1].problem or len(records_read.records[1].element[1]) == 1
        assert "aaaa" not in (signs(records_read)[1] or "")


@pytest.mark.parametrize("end", range(5, len(document("A & B")) - 1, 7))
def test_a_file_that_is_cut_off_is_a_broken_page(end: int) -> None:
    for sign in ("A & B", "Two"):
        cut = document(sign)[:end]
        if not cut.endswith("</DATA>"):
            with pytest.raises(MalformedBody, match="not whole XML"):
                read(cut)


@pytest.mark.parametrize("body", ["", "<html><body>A & B</body></html>", "<!DOCTYPE html><p>Busy", "{}", "\x00"])
def test_a_body_of_another_kind_is_a_broken_page(body: str) -> None:
    with pytest.raises(MalformedBody, match="not whole XML"):
        read(body)
