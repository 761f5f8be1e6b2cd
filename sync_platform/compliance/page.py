"""The report as one HTML page that needs nothing else, made to be printed: A4, numbered sections, heads repeated."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from sync_platform.compliance.chapters import TITLE, chapters_of, title_lines
from sync_platform.compliance.report import Report
from sync_platform.compliance.section import Cell, Section, Table, is_figure, text_of_cell

STYLE = """
@page { size: A4; margin: 18mm 14mm 18mm; @bottom-right { content: counter(page) " / " counter(pages);
  font: 8pt sans-serif; color: #555 } @bottom-left { content: "sync-platform compliance report";
  font: 8pt sans-serif; color: #555 } }
* { box-sizing: border-box }
body { font: 14px/1.45 system-ui, "Helvetica Neue", Arial, sans-serif; margin: 2rem auto; max-width: 72rem;
  padding: 0 1.2rem; color: #1c1c1c; background: #fff }
header { border: 1px solid #333; border-top: 6px solid #1f3a5f; padding: 1rem 1.4rem 1.2rem; margin-bottom: 1.6rem }
h1 { font-size: 1.9rem; margin: 0 0 .8rem } h2 { font-size: 1.25rem; margin: 2.2rem 0 .5rem; color: #1f3a5f;
  border-bottom: 2px solid #1f3a5f; padding-bottom: .2rem }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1.2rem; margin: 0 } dt { color: #555 }
dd { margin: 0; font-weight: 600 } nav a { color: inherit }
nav ol { columns: 2; margin: .4rem 0 0; padding-left: 1.5rem }
p { max-width: 60rem; margin: .5rem 0 }
table { border-collapse: collapse; width: 100%; margin: .3rem 0 1.1rem; font-size: .86rem }
caption { text-align: left; font-weight: 600; padding: .7rem 0 .3rem; break-after: avoid }
th, td { text-align: left; vertical-align: top; padding: .28rem .5rem; border-bottom: 1px solid #d5d5d5;
  overflow-wrap: anywhere; hyphens: manual }
th:first-child, td:first-child:not(:only-child) { overflow-wrap: normal }
thead th { border-bottom: 1.5px solid #333; background: #f1f3f6; font-weight: 600; overflow-wrap: normal }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap } th.n { white-space: normal }
.state { white-space: nowrap; font-weight: 600 } .met { color: #14591f } .not-met { color: #a40000 }
.not-checked { color: #555; font-style: italic } .none { color: #555 }
.wide { font-size: .76rem } .wide th, .wide td { padding: .25rem .3rem }
@media print {
  body { margin: 0; padding: 0; max-width: none; font-size: 9.5pt } header { break-inside: avoid }
  #s2 { break-before: page } h2 + p { break-after: avoid } h2 { break-after: avoid } p { orphans: 3; widows: 3 }
  thead { display: table-header-group; break-after: avoid } tr { break-inside: avoid }
  tbody tr:first-child { break-before: avoid } table { font-size: 7.8pt }
  .wide { font-size: 6.6pt } thead th { -webkit-print-color-adjust: exact; print-color-adjust: exact }
}
"""
STATES = {"met": "met", "not met": "not-met", "not checked": "not-checked"}
WIDE = 8
"""From so many columns on a table is set smaller, to fit a page of paper."""


def page_of(report: Report) -> str:
    """The page."""
    sections = chapters_of(report)
    lines = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>\n" for name, value in title_lines(report))
    entries = "".join(f'<li><a href="#s{each.number}">{escape(each.title)}</a></li>\n' for each in sections)
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{TITLE}, {escape(report.environment)}</title><style>{STYLE}</style></head><body>
<header><h1>{TITLE}</h1>
<dl>
{lines}</dl></header>
<nav><ol>
{entries}</ol></nav>
{"".join(map(_section, sections))}</body></html>
"""


def _section(section: Section) -> str:
    paragraphs = "".join(f"<p>{escape(each)}</p>\n" for each in section.paragraphs)
    tables = "".join(map(_table, section.tables))
    return (
        f'<section id="s{section.number}"><h2>{section.number}. {escape(section.title)}</h2>\n'
        f"{paragraphs}{tables}</section>\n"
    )


def _table(table: Table) -> str:
    if not table.rows:
        return f'<p class="none"><strong>{escape(table.caption)}:</strong> {escape(table.nothing)}</p>\n'
    figures = [all(is_figure(row[number]) for row in table.rows) for number in range(len(table.columns))]
    heads = "".join(
        f'<th scope="col"{_class("n" if is_number else "")}>{escape(name)}</th>'
        for name, is_number in zip(table.columns, figures, strict=True)
    )
    rows = "".join(f"<tr>{_cells(row, figures)}</tr>\n" for row in table.rows)
    wide = _class("wide" if len(table.columns) >= WIDE else "")
    return (
        f"<table{wide}><caption>{escape(table.caption)}</caption>\n"
        f"<thead><tr>{heads}</tr></thead><tbody>\n{rows}</tbody></table>\n"
    )


def _cells(row: Sequence[Cell], figures: Sequence[bool]) -> str:
    cells = []
    for cell, is_number in zip(row, figures, strict=True):
        state = f"state {STATES[cell]}" if isinstance(cell, str) and cell in STATES else ""
        cells.append(f"<td{_class(state or ('n' if is_number else ''))}>{escape(text_of_cell(cell))}</td>")
    return "".join(cells)


def _class(name: str) -> str:
    return f' class="{name}"' if name else ""
