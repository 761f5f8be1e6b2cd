"""`sync-platform health`: the health score, every lost point with a command that shows more, and what is not known."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from sync_platform.cli.monitoring.present_state import read_present_state
from sync_platform.cli.output import Terminal, console, line, styled, write_json
from sync_platform.documents.fitted_table import FittedTable
from sync_platform.documents.typed_command import typed
from sync_platform.monitoring.health import Health, Loss, State, Subject
from sync_platform.monitoring.health_report import health_json, health_of
from sync_platform.platforms import load_platforms
from sync_platform.settings import load_settings

EXIT_CODES: Mapping[State, int] = {"healthy": 0, "degraded": 1, "unhealthy": 2}
COLOURS: Mapping[State, str] = {"healthy": "green", "degraded": "yellow", "unhealthy": "red"}
COLUMNS = ("subject", "priority", "score", "state", "confidence", "lost points")


def show_health(*, as_json: bool) -> int:
    """Show the health; 0 if it is healthy, 1 if it is degraded, 2 if it is unhealthy."""
    settings, now = load_settings(), datetime.now(UTC)
    state = read_present_state(settings, now)
    health = health_of(settings, load_platforms(settings.platform_path), state, now)
    if as_json:
        write_json(health_json(health, now, settings.environment, typed))
    else:
        _show(health, console())
    return EXIT_CODES[health.state]


def _show(health: Health, terminal: Terminal) -> None:
    state = styled(health.state, COLOURS[health.state])
    terminal.print(
        line(state, f": {health.score:.1f} of 100 points, known with a confidence of {health.confidence:.0%}")
    )
    table = FittedTable(
        COLUMNS, numbers=("score", "confidence"), unbroken=("state",), optional=("priority", "confidence")
    )
    for subject in health.subjects:
        _add_row(table, subject)
    terminal.print_table(table)
    if health.losses:
        terminal.print("\nEvery lost point of the 100, and a command that shows more:")
    for loss in health.losses:
        terminal.print(f"{_points(loss)}  {loss.deficit.reason}", soft_wrap=True)
        terminal.print(f"        {typed(*loss.deficit.command)}", soft_wrap=True)
    if health.unknowns:
        terminal.print("\nNot known, which lowers the confidence:")
    for unknown in health.unknowns:
        terminal.print(f"        {unknown.deficit.reason}", soft_wrap=True)


def _add_row(table: FittedTable, subject: Subject) -> None:
    lost = ", ".join(f"{part.name} {part.lost:.1f} of {part.points:.0f}" for part in subject.parts if part.lost)
    if not subject.score:
        lost = "all"
    table.add_row(
        subject.name,
        subject.priority,
        f"{subject.score:.1f}",
        styled(subject.state, COLOURS[subject.state]),
        f"{subject.confidence:.0%}",
        lost or "none",
    )


def _points(loss: Loss) -> str:
    return f"{f'-{loss.points:.2f}':>6}"
