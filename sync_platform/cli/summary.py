"""What a finished sync says: a table for people, or one JSON document for machines."""

from __future__ import annotations

import sys
from pathlib import Path

import orjson
from rich.console import Console
from rich.table import Table

from sync_platform.cli.display import COLOURS, MARKS
from sync_platform.cli.result import PlatformResult, worst
from sync_platform.cli.unify import UnifyResult, report

MOST_REASONS = 5


def write_document(
    results: list[PlatformResult], unified: UnifyResult | None, startup_s: float, total_s: float
) -> None:
    """The whole result as JSON on standard output."""
    document = {
        "status": worst(result.status for result in results),
        "startup_s": round(startup_s, 2),
        "total_s": round(total_s, 2),
        "platforms": [result.document() for result in results],
        "unified": unified.document() if unified else None,
    }
    sys.stdout.write(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode() + "\n")


def write_summary(
    results: list[PlatformResult], unified: UnifyResult | None, startup_s: float, total_s: float, home: Path
) -> None:
    """A table of what came and what changed, why anything is not complete, and where to look next."""
    table = Table(header_style="bold", show_footer=True, title_justify="left")
    table.add_column("", footer="")
    table.add_column("dataset", footer="all")
    for name in ("inserted", "updated", "removed", "restored", "unchanged"):
        table.add_column(
            "new" if name == "inserted" else name, justify="right", footer=_number(sum(r.total(name) for r in results))
        )
    for name, footer in (("fetch", ""), ("lake", f"{total_s:.1f} s")):
        table.add_column(name, justify="right", footer=footer)
    for result in results:
        _add_rows(table, result)
    console = Console(width=None if sys.stdout.isatty() else 120, highlight=False)
    console.print(table)
    for result in results:
        for reason in result.reasons[:MOST_REASONS]:
            console.print(f"[{COLOURS[result.status]}]{result.platform} {result.status}[/]: {reason}", soft_wrap=True)
        for dataset, ids in result.let_be.items():
            listed = f"{', '.join(ids[:MOST_REASONS])}{' …' if len(ids) > MOST_REASONS else ''}"
            console.print(f"{result.platform}.{dataset}: unseen, yet kept live: {listed}", soft_wrap=True)
    if unified:
        report(unified, as_json=False)
    console.print(f"start-up {startup_s:.1f} s, sync {total_s - startup_s:.1f} s; everything is in {home}")
    console.print('Next: [bold]sync-platform query "SHOW ALL TABLES"[/] or [bold]sync-platform up[/] (Dagster UI)')


def _add_rows(table: Table, result: PlatformResult) -> None:
    shown = [record for record in result.records if record.dataset]
    if not shown:
        mark = f"[{COLOURS[result.status]}]{MARKS[result.status]}[/]"
        table.add_row(mark, f"{result.platform} ({result.partition})", *[""] * 5, f"{result.fetch_s:.1f} s", "")
    for number, record in enumerate(shown):
        first = number == 0
        table.add_row(
            f"[{COLOURS[record.status]}]{MARKS[record.status]}[/]",
            f"{record.platform}.{record.dataset}",
            *(_number(count) for count in (record.inserted, record.updated, record.removed, record.restored)),
            _number(record.unchanged),
            f"{result.fetch_s:.1f} s" if first else "",
            f"{result.lake_s:.1f} s" if first else "",
        )


def _number(count: int) -> str:
    return f"{count:,}" if count else "[dim]·[/]"
