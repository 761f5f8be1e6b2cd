"""The scorecard as one HTML page that needs nothing else: for a browser, an email, or paper."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from html import escape

from sync_platform.quality.score import DIMENSIONS, OVERALL
from sync_platform.quality.scorecard import Card, Scored

STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; color: #1c1c1c }
h1 { font-size: 1.5rem } h2 { font-size: 1.1rem; margin: 2rem 0 .3rem }
table { border-collapse: collapse; width: 100% } caption { text-align: left; padding: .3rem 0; color: #555 }
th, td { text-align: right; padding: .35rem .6rem; border-bottom: 1px solid #ddd; vertical-align: top }
th:first-child, td:first-child { text-align: left } .low { color: #a40000; font-weight: 600 } .none { color: #777 }
ul { margin: .2rem 0; padding-left: 1.2rem } svg { vertical-align: middle }
@media print { body { margin: 0; max-width: none } h2 { break-after: avoid } table { break-inside: avoid } }
"""
WIDTH, HEIGHT = 96, 20


def page_of(cards: Sequence[Card], made_at: datetime, installation: str) -> str:
    """The page; `installation` says which one it is of."""
    rows = "\n".join(_row(card) for card in cards)
    heads = "".join(f'<th scope="col">{name}</th>' for name in (*DIMENSIONS, "overall", "confidence", "trend"))
    sections = "\n".join(_section(card) for card in cards if card.findings)
    nothing = "" if cards else "<p>Nothing has been scored yet.</p>"
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Data quality, {escape(installation)}</title><style>{STYLE}</style></head><body>
<h1>Data quality of the restaurant platforms</h1>
<p>Installation {escape(installation)}; made {made_at:%Y-%m-%d %H:%M} UTC. A score is a share of what could be judged;
what was not measured is a dash and lowers the confidence. Red: below its threshold.</p>
<table><caption>The newest period of each dataset</caption>
<thead><tr><th scope="col">dataset</th>{heads}</tr></thead><tbody>
{rows}
</tbody></table>{nothing}
{sections}
</body></html>
"""


def _row(card: Card) -> str:
    cells = "".join(_cell(card.dimensions.get(name)) for name in (*DIMENSIONS, OVERALL))
    overall = card.dimensions.get(OVERALL)
    sure = f"{overall.confidence:.0%}" if overall and overall.confidence is not None else "–"
    name = escape(card.name)
    return f"<tr><td>{name}<br><small>{card.partition}</small></td>{cells}<td>{sure}</td><td>{_trend(card)}</td></tr>"


def _cell(scored: Scored | None) -> str:
    if scored is None or scored.score is None:
        return '<td class="none">–</td>'
    mark = ' class="low"' if scored.falls_short else ""
    ends = scored.interval
    interval = f"<br><small>{ends[0]:.0%}–{ends[1]:.0%}</small>" if ends else ""
    return f"<td{mark}>{scored.score:.1%}{interval}</td>"


def _trend(card: Card) -> str:
    """The overall scores of the last periods as a line; the scale is from 0 to 1."""
    values = [value for _, value in card.trend if value is not None]
    if len(values) < 2:
        return '<span class="none">–</span>'
    step = WIDTH / (len(values) - 1)
    points = " ".join(f"{number * step:.1f},{HEIGHT - value * HEIGHT:.1f}" for number, value in enumerate(values))
    told = ", ".join(f"{partition} {value:.1%}" for partition, value in card.trend if value is not None)
    return (
        f'<svg width="{WIDTH}" height="{HEIGHT}" role="img" aria-label="{escape(told)}"><title>{escape(told)}</title>'
        f'<polyline points="{points}" fill="none" stroke="#246" stroke-width="1.5"/></svg>'
    )


def _section(card: Card) -> str:
    items = "\n".join(f"<li>{escape(finding)}</li>" for finding in card.findings)
    return f"<h2>{escape(card.name)}, {card.partition}</h2>\n<ul>\n{items}\n</ul>"
