"""A telling as one HTML page that needs nothing else: for a browser, an email, or paper."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from html import escape

from sync_platform.lineage.chapters import NOTES
from sync_platform.lineage.telling import Item, Telling, when

STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; color: #1c1c1c }
h1 { font-size: 1.5rem } h2 { font-size: 1.1rem; margin: 2rem 0 .3rem } li { overflow-wrap: anywhere; margin: .15rem 0 }
ul, ol { padding-left: 1.4rem; margin: .1rem 0 } ul ul, ol ul { color: #444 } sup { line-height: 0 }
li:target { background: #fff3bf }
@media print { body { margin: 0; max-width: none } h2 { break-after: avoid } }
"""


def page_of(telling: Telling, made_at: datetime) -> str:
    """The page; notes are links."""
    title = escape(telling.title)
    lead = "".join(f"<p>{escape(line)}</p>\n" for line in telling.lead)
    sections = "".join(
        f"<h2>{escape(section.title)}</h2>\n{_list(section.items)}" for section in telling.sections if section.items
    )
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><style>{STYLE}</style></head><body>
<h1>{title}</h1>
{lead}{sections}{_notes(telling.notes)}<p><small>Made {when(made_at)}.</small></p>
</body></html>
"""


def _notes(notes: Iterable[Item]) -> str:
    items = "".join(
        f'<li id="n{number}">{escape(item.text)}{_list(item.items)}</li>\n' for number, item in enumerate(notes, 1)
    )
    return f"<h2>Notes: {escape(NOTES)}</h2>\n<ol>\n{items}</ol>\n" if items else ""


def _list(items: Iterable[Item]) -> str:
    inner = "".join(f"<li>{escape(item.text)}{_links(item)}{_list(item.items)}</li>\n" for item in items)
    return f"<ul>\n{inner}</ul>\n" if inner else ""


def _links(item: Item) -> str:
    return "".join(f' <sup><a href="#n{number}">{number}</a></sup>' for number in item.notes)
