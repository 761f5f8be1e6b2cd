"""A run's turn on its platforms: held from before its first step to after its last, so that two runs never interleave.

Dagster's pools keep two steps of a platform apart, but let another run in between a run's steps, and a run that was
killed holds them for ever. Whoever has the turn therefore takes the pools from the dead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import dagster as dg

from sync_platform.defs.audit import note_run
from sync_platform.defs.dead_runs import PROCESS_TAG, free_pools, settle_dead_runs, this_process
from sync_platform.defs.progress import Progress
from sync_platform.sources.declaration import Platform
from sync_platform.sources.period import HONG_KONG
from sync_platform.storage.turns import Holder, turn

UNIFIED = "unified"
"""The turn on unified restaurants, which no two runs make at once."""


def turn_resource(ledger: str, platforms: dict[str, Platform], progress: Progress) -> dg.ResourceDefinition:
    """The resource that every asset of a platform requires; `ledger` is the SQLAlchemy URL of the ledger."""

    names = [*platforms, UNIFIED]

    @dg.resource(description="The turn on the run's platforms: a run waits here while another syncs one of them.")
    def turns(context: dg.InitResourceContext) -> Iterator[None]:
        run, instance = context.run, context.instance
        if run is None or instance is None:  # outside a run nobody is in the way
            yield
            return
        instance.add_run_tags(run.run_id, {PROCESS_TAG: this_process(run.run_id)})
        mine = _turns_of(run, names)
        operation = "unify" if mine == [UNIFIED] else "sync"
        note_run(run, ledger, operation, {"platforms": [name for name in mine if name != UNIFIED]})
        with ExitStack() as held:
            for name in mine:
                waiting = _waiting(name, progress, context)
                held.enter_context(turn(ledger, name, run.run_id, waiting))
                progress.took_turn(name)
            settle_dead_runs(instance)
            free_pools(instance, mine, run.run_id)
            yield

    return turns


def _turns_of(run: dg.DagsterRun, names: list[str]) -> list[str]:
    """In one order for all runs, or two might wait for each other; without a selection all of them."""
    if not run.asset_selection:
        return sorted(names)
    return sorted({part for key in run.asset_selection for part in key.path if part in names})


def _waiting(platform: str, progress: Progress, context: dg.InitResourceContext) -> Callable[[Holder | None], None]:
    told: set[Holder | None] = set()

    def waiting(holder: Holder | None) -> None:
        if holder in told:
            return
        told.add(holder)
        who = "" if holder is None else f" (run {holder.run_id[:8]}, since {_clock(holder)})"
        text = f"waiting for another sync of {platform}{who}"
        progress.waiting(platform, text)
        if context.log is not None:
            context.log.info(text)

    return waiting


def _clock(holder: Holder) -> str:
    return f"{holder.since.astimezone(HONG_KONG):%Y-%m-%d %H:%M:%S} HKT"
