"""`sync-platform sync`: one Dagster run per platform, all at once, none of which can stop another."""

from __future__ import annotations

import sys
import time

from sync_platform.cli.on_record import note, on_record
from sync_platform.cli.plan import plan
from sync_platform.platforms import choose, load_platforms
from sync_platform.settings import load_settings, platform_settings
from sync_platform.sources.declaration import Platform

INTERRUPTED = 130


def sync_platforms(
    names: list[str], partition: str | None, mode: str, accept_shrink: str, *, with_unify: bool, as_json: bool
) -> int:
    """Sync the named platforms (all when none is); 0 if every one is complete, else 1.

    `accept_shrink`: an operator's reason for letting whole lists retire more than the tolerance; empty for none.
    `with_unify`: then bring unified restaurants up to date, if listings changed.
    Raises UsageError for a bad request, StorageError where the home cannot be written.
    """
    began = time.monotonic()
    settings = load_settings()
    planned = plan(choose(load_platforms(settings.platform_path), names), partition)
    require_terms([platform for platform, _ in planned])

    # Dagster takes a second to import: not before the request makes sense
    from sync_platform.cli.display import choose_display
    from sync_platform.cli.result import worst
    from sync_platform.cli.run import prepare
    from sync_platform.cli.summary import write_document, write_summary
    from sync_platform.cli.unify import unify_after
    from sync_platform.cli.workers import run_all
    from sync_platform.defs.landing import Mode

    prepare(settings, planned)
    startup_s = time.monotonic() - began
    display = choose_display(as_json)
    subject = {"platforms": {platform.name: period.key for platform, period in planned}, "mode": mode}
    if accept_shrink.strip():
        note(settings, "accept-shrink", {**subject, "reason": accept_shrink.strip()}, "begun")
    try:
        with on_record(settings, "sync", subject) as act, display.shown():
            results = run_all(settings, planned, Mode(mode), accept_shrink.strip(), display)
            unified = unify_after(settings, results, display) if with_unify else None
            act.ended(worst(result.status for result in results), run_ids=[result.run_id for result in results])
    except KeyboardInterrupt:
        prepare(settings, [])  # the runs that died with us are put on record as such
        sys.stderr.write("sync-platform: interrupted; nothing is half-written\n")
        return INTERRUPTED
    total_s = time.monotonic() - began
    if as_json:
        write_document(results, unified, startup_s, total_s)
    else:
        write_summary(results, unified, startup_s, total_s, settings.home)
    is_complete = worst(result.status for result in results) == "complete"
    return 0 if is_complete and not (unified and unified.error) else 1


def require_terms(platforms: list[Platform]) -> None:
    """Refuse a live platform whose terms are not accepted before anything is fetched from any."""
    from sync_platform.landing import source

    for platform in platforms:
        source.require_terms(platform, platform_settings(platform.name))
