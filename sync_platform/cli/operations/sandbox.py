"""`sync-platform sandbox`: the invented platforms as a server."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from sync_platform.cli.output import write_line
from sync_platform.errors import StorageError, UsageError
from sync_platform.platforms import load_platforms
from sync_platform.sandbox.city import City
from sync_platform.sandbox.ground_truth import write_ground_truth
from sync_platform.sandbox.listening import serve
from sync_platform.sandbox.planned_faults import parse_fault
from sync_platform.sandbox.sandbox_error import SandboxError
from sync_platform.settings import load_settings


def serve_sandbox(
    host: str,
    port: int,
    places: int | None,
    seed: int | None,
    today: date | None,
    faults: list[str],
    ground_truth: Path | None,
) -> None:
    """Serve until interrupted, or write the ground truth and return.

    Raises UsageError for a wrong option, StorageError where the server cannot start.
    """
    settings = load_settings()
    places = settings.sandbox_places if places is None else places
    seed = settings.sandbox_seed if seed is None else seed
    today = today or settings.sandbox_today
    if not 1 <= places <= 200_000:
        raise UsageError(f"--places {places}: must be between 1 and 200000")
    if not 0 <= port <= 65_535:
        raise UsageError(f"--port {port}: must be between 0 and 65535")
    try:
        for fault in faults:
            parse_fault(fault)
    except SandboxError as error:
        raise UsageError(f"--fault: {error}") from None
    try:
        if ground_truth:
            write_ground_truth(City(places, seed, today), ground_truth)
        else:
            serve(host, port, places, seed, today, faults, announce=_show_variables)
    except SandboxError as error:
        raise StorageError(str(error)) from error


def _show_variables(url: str) -> None:
    """Show on standard error the variables with which another command fetches from this server."""
    write_line("To fetch from this sandbox, set these variables there:")
    for name, platform in load_platforms().items():
        write_line(f"export {name.upper()}_BASE_URL={url}/{name}")
        if platform.has_archive:
            write_line(f"export {name.upper()}_ARCHIVE_URL={url}/{name}_archive")
