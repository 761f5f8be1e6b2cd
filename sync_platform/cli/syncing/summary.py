"""The summary of a finished sync: a table for people, or one JSON document for programs."""

from __future__ import annotations

from rich.text import Text

from sync_platform.cli.next_steps import write_next_steps
from sync_platform.cli.output import MARKS, coloured, console, line, styled, write_json
from sync_platform.cli.syncing.result import PlatformResult
from sync_platform.cli.syncing.unify import UnifyResult, write_result
from sync_platform.documents.fitted_table import FittedTable
from sync_platform.documents.states import WITH_GAPS, WORST_FIRST
from sync_platform.documents.typed_command import typed
from sync_platform.lake.syncs import SHOWN_COUNTS, worst_status
from sync_platform.settings import Settings
from sync_platform.sources.period import day_in_hong_kong
from sync_platform.storage.lake_address import LakeAddress

MAX_LINES = 5
MAX_IDS = 5
COUNTS = (*SHOWN_COUNTS, "unchanged")
"""The counts that the table shows; `past` is shown only if something is past."""
DURATIONS = ("fetch", "lake")


def write_sync_document(
    results: list[PlatformResult], unified: UnifyResult | None, startup_s: float, total_s: float
) -> None:
    """The whole result as JSON on standard output."""
    document = {
        "status": worst_status((result.status for result in results), default="complete"),
        "startup_s": round(startup_s, 2),
        "total_s": round(total_s, 2),
        "platforms": [result.document() for result in results],
        "unified": unified.document() if unified else None,
    }
    write_json(document)


def write_summary(
    results: list[PlatformResult], unified: UnifyResult | None, startup_s: float, total_s: float, settings: Settings
) -> None:
    """A table of what changed, the reasons of everything that is not complete, what was odd, and the next commands."""
    counts = {name: sum(result.total(name) for result in results) for name in COUNTS}
    columns = [name for name in COUNTS if name != "past" or counts[name]]
    table = FittedTable(
        ("", "dataset", *columns, *DURATIONS),
        numbers={*columns, *DURATIONS},
        footer=("", "all", *(_number(counts[name]) for name in columns), "", f"{total_s:.1f} s"),
        optional=("fetch", "lake", "restored", "unchanged", *(["past"] if "past" in columns else []), "removed"),
    )
    for result in results:
        _add_rows(table, result, columns)
    terminal = console()
    terminal.print_table(table)
    terminal.print(_states(results))
    for result in results:
        for text in _remarks(result):
            terminal.print(text, soft_wrap=True)
    if unified:
        write_result(unified, as_json=False)
    terminal.print(f"start-up {startup_s:.1f} s, sync {total_s - startup_s:.1f} s; {_where(settings)}")
    steps = [step for result in results for step in result.next_steps]
    if unified and unified.error:
        steps.append(typed("unify"))
    write_next_steps(steps or [typed("tables"), f"{typed('serve')}  (health page, Dagster UI)"])


def _states(results: list[PlatformResult]) -> Text:
    """How many platforms have each state, with its mark: `✓ 7 complete, ✗ 1 failed`."""
    states = [result.state for result in results]
    counts = [(state, states.count(state)) for state in reversed(WORST_FIRST) if state in states]
    texts = [coloured(state, f"{MARKS[state]} {count} {state}") for state, count in counts]
    return Text(", ").join(texts)


def _where(settings: Settings) -> str:
    """Where the data is now."""
    if settings.is_all_in_home:
        return f"everything is in {settings.home}"
    return f"{LakeAddress.of(settings)}; files of this machine are in {settings.home}"


def _remarks(result: PlatformResult) -> list[Text]:
    """At most five lines on a platform, the most important first; the last one counts those that are left out."""
    state = coloured(result.state, f"{result.platform} {result.state}")
    lines = [line(state, f": {reason}") for reason in result.reasons]
    is_rest = result.state == WITH_GAPS
    lines += [line(state, f": {gap}") if is_rest else line(f"{result.platform}, a gap: {gap}") for gap in result.gaps]
    for record in result.records:
        ids = result.not_retired_ids.get(record.dataset or "", [])
        listed = f"{', '.join(ids[:MAX_IDS])}{' …' if len(ids) > MAX_IDS else ''}"
        if ids:
            remark = f"{record.not_retired:,} not seen, but kept live: {listed}"
            lines.append(line(f"{result.platform}.{record.dataset}: {remark}"))
    for record in result.records:
        if record.already_known:
            since = f"{record.already_known:,} records were known already, from later syncs, and are known from"
            lines.append(
                line(f"{result.platform}.{record.dataset}: {since} {day_in_hong_kong(record.observed_at)} on now")
            )
        if record.out_of_scope:
            left_out = f"{record.out_of_scope:,} records are out of scope, and were left out"
            lines.append(line(f"{result.platform}.{record.dataset}: {left_out}"))
    lines += [line(f"{result.platform}: {note}") for note in result.notes]
    if len(lines) <= MAX_LINES:
        return lines
    return [*lines[: MAX_LINES - 1], line(f"{result.platform}: {len(lines) - MAX_LINES + 1:,} more: see sync.runs")]


def _add_rows(table: FittedTable, result: PlatformResult, columns: list[str]) -> None:
    records = [record for record in result.records if record.dataset]
    if not records:
        mark = coloured(result.state, MARKS[result.state])
        table.add_row(
            mark, f"{result.platform} ({result.partition})", *[""] * len(columns), f"{result.fetch_s:.1f} s", ""
        )
    for number, record in enumerate(records):
        first = number == 0
        table.add_row(
            coloured(record.state, MARKS[record.state]),
            f"{record.platform}.{record.dataset}",
            *(_number(getattr(record, name)) for name in columns),
            f"{result.fetch_s:.1f} s" if first else "",
            f"{result.lake_s:.1f} s" if first else "",
        )


def _number(count: int) -> Text:
    return Text(f"{count:,}") if count else styled("·", "dim")
