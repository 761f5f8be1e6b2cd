"""A document as one HTML page that loads nothing: for a browser, an email, or paper (A4, table headings repeated)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from sync_platform.documents.document import Cell, Document, DocumentTable, Item, Mark, Section, cell_text
from sync_platform.documents.wording import visible

STYLE = """
@page { size: A4; margin: 18mm 14mm 18mm; @bottom-right { content: counter(page) " / " counter(pages);
  font: 8pt sans-serif; color: #555 } @bottom-left { content: "sync-platform"; font: 8pt sans-serif; color: #555 } }
* { box-sizing: border-box }
body { font: 14px/1.45 system-ui, "Helvetica Neue", Arial, sans-serif; margin: 2rem auto; max-width: 72rem;
  padding: 0 1.2rem; color: #1c1c1c; background: #fff }
header { border: 1px solid #333; border-top: 6px solid #1f3a5f; padding: 1rem 1.4rem 1.2rem; margin-bottom: 1.6rem }
h1 { font-size: 1.7rem; margin: 0 0 .8rem; overflow-wrap: anywhere }
h2 { font-size: 1.25rem; margin: 2.2rem 0 .5rem; color: #1f3a5f; border-bottom: 2px solid #1f3a5f;
  padding-bottom: .2rem }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1.2rem; margin: 0 } dt { color: #555 }
dd { margin: 0; font-weight: 600 } nav a { color: inherit }
nav ol { columns: 2; margin: .4rem 0 0; padding-left: 1.5rem }
p { max-width: 60rem; margin: .5rem 0 }
ul, .notes { padding-left: 1.4rem; margin: .1rem 0 } li { overflow-wrap: anywhere; margin: .15rem 0 }
li ul { color: #444 } sup { line-height: 0 } li:target { background: #fff3bf }
table { border-collapse: collapse; width: 100%; margin: .3rem 0 1.1rem; font-size: .86rem }
caption { text-align: left; font-weight: 600; padding: .7rem 0 .3rem; break-after: avoid }
th, td { text-align: left; vertical-align: top; padding: .28rem .5rem; border-bottom: 1px solid #d5d5d5;
  overflow-wrap: anywhere; hyphens: manual }
th:first-child, td:first-child:not(:only-child) { overflow-wrap: normal }
thead th { border-bottom: 1.5px solid #333; background: #f1f3f6; font-weight: 600; overflow-wrap: normal }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap } th.n { white-space: normal }
.good, .bad, .muted { white-space: nowrap } .good, .bad { font-weight: 600 } .good { color: #14591f }
.bad { color: #a40000 } .muted { color: #555; font-style: italic } .none { color: #555 }
p.verdict { font-size: 1.1rem; font-weight: 600; white-space: normal; margin: 0 0 .8rem; overflow-wrap: anywhere }
.wide { font-size: .76rem } .wide th, .wide td { padding: .25rem .3rem }
@media print {
  body { margin: 0; padding: 0; max-width: none; font-size: 9.5pt } header { break-inside: avoid }
  h2 + p { break-after: avoid } h2 { break-after: avoid } p { orphans: 3; widows: 3 }
  thead { display: table-header-group; break-after: avoid } tr { break-inside: avoid }
  tbody tr:first-child { break-before: avoid } table { font-size: 7.8pt }
  .wide { font-size: 6.6pt } thead th { -webkit-print-color-adjust: exact; print-color-adjust: exact }
}
"""
WIDE_COLUMNS = 8
"""A table with at least this number of columns is set in smaller type, to fit a page of paper."""
CONTENTS_SECTIONS = 6
"""A document with at least this number of sections begins with a list of them."""


def html_of(document: Document) -> str:
    """The page; notes are links."""
    title = _escape(document.title)
    facts = "".join(f"<dt>{_escape(name)}</dt><dd>{_escape(value)}</dd>\n" for name, value in document.facts)
    lead = "".join(f"<p>{_escape(each)}</p>\n" for each in document.lead)
    sections = "".join(_section(number, section) for number, section in enumerate(document.sections, 1))
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><style>{STYLE}</style></head><body>
<header><h1>{title}</h1>
{_verdict(document.verdict)}<dl>
{facts}</dl></header>
{lead}{_contents(document.sections)}{sections}{_notes(document)}</body></html>
"""


def _verdict(verdict: Mark | None) -> str:
    if verdict is None:
        return ""
    return f"<p{_attribute('class', ' '.join(filter(None, ('verdict', verdict.tone))))}>{_escape(verdict.text)}</p>\n"


def _contents(sections: Sequence[Section]) -> str:
    if len(sections) < CONTENTS_SECTIONS:
        return ""
    entries = (
        f'<li><a href="#s{number}">{_escape(section.title)}</a></li>\n' for number, section in enumerate(sections, 1)
    )
    return f"<nav><ol>\n{''.join(entries)}</ol></nav>\n"


def _section(number: int, section: Section) -> str:
    paragraphs = "".join(f"<p>{_escape(paragraph)}</p>\n" for paragraph in section.paragraphs)
    tables = "".join(map(_table, section.tables))
    heading = f"<h2>{number}. {_escape(section.title)}</h2>"
    return f'<section id="s{number}">{heading}\n{paragraphs}{tables}{_list(section.items)}</section>\n'


def _notes(document: Document) -> str:
    items = "".join(
        f'<li id="n{number}">{_escape(note.text)}{_list(note.items)}</li>\n'
        for number, note in enumerate(document.notes, 1)
    )
    return f'<h2>{_escape(document.notes_title)}</h2>\n<ol class="notes">\n{items}</ol>\n' if items else ""


def _list(items: Iterable[Item]) -> str:
    inner = "".join(f"<li>{_escape(item.text)}{_links(item)}{_list(item.items)}</li>\n" for item in items)
    return f"<ul>\n{inner}</ul>\n" if inner else ""


def _links(item: Item) -> str:
    return "".join(f' <sup><a href="#n{number}">{number}</a></sup>' for number in item.notes)


def _table(table: DocumentTable) -> str:
    if not table.rows:
        return f'<p class="none"><strong>{_escape(table.caption)}:</strong> {_escape(table.empty)}</p>\n'
    classes = ["n" if is_figure else "" for is_figure in table.are_figures]
    columns = zip(table.columns, classes, strict=True)
    heads = "".join(f'<th scope="col"{_attribute("class", name)}>{_escape(column)}</th>' for column, name in columns)
    rows = "".join(f"<tr>{''.join(map(_cell, row, classes))}</tr>\n" for row in table.rows)
    wide = _attribute("class", "wide" if len(table.columns) >= WIDE_COLUMNS else "")
    return (
        f"<table{wide}><caption>{_escape(table.caption)}</caption>\n"
        f"<thead><tr>{heads}</tr></thead><tbody>\n{rows}</tbody></table>\n"
    )


def _cell(cell: Cell, name: str) -> str:
    tone, detail = (cell.tone or "", cell.detail) if isinstance(cell, Mark) else ("", "")
    names = " ".join(each for each in (name, tone) if each)
    return f"<td{_attribute('class', names)}{_attribute('title', detail)}>{_escape(cell_text(cell))}</td>"


def _attribute(name: str, value: str) -> str:
    return f' {name}="{_escape(value)}"' if value else ""


def _escape(text: str) -> str:
    return escape(visible(text))
