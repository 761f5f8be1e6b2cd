"""Jobs and schedules: which platforms are synced together, and when. The cadence of a platform decides that.

A run uses one process, because a process for each step costs more than most steps. Every platform gets its own run, so
that a platform that fails stops no other.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

import dagster as dg

from sync_platform.defs import schedule_times
from sync_platform.defs.landing import Mode, landing_key
from sync_platform.defs.schedule_times import scheduled
from sync_platform.defs.tables import table_key
from sync_platform.defs.trigger import LAUNCHED_AGAIN_TAG
from sync_platform.sources.declaration import Platform
from sync_platform.sources.period import Cadence, current_period

MONTHLY, WEEKLY, INCREMENTAL = "monthly_full_sync", "weekly_government_sync", "daily_incremental"
RUN_TAGS = {LAUNCHED_AGAIN_TAG: "false"}
"""Dagster launches a run again if it crashed, not if a step failed: steps are retried for transient errors only."""

automation = dg.AutomationConditionSensorDefinition(
    "automation",
    target=dg.AssetSelection.all(),
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=60,
    description="Updates what is derived from synced tables: unified restaurants and the scorecard.",
    run_tags=RUN_TAGS,
)


def job_name(platform: Platform, mode: Mode) -> str:
    """The job that syncs a platform in a mode."""
    if mode is Mode.incremental and platform.has_delta:
        return INCREMENTAL
    return WEEKLY if platform.cadence == "weekly" else MONTHLY


def asset_keys(platform: Platform) -> list[dg.AssetKey]:
    """All assets of a platform, in the order of the data flow."""
    return [landing_key(platform), *(table_key(platform, dataset) for dataset in platform.datasets)]


def run_config(platform: Platform, mode: Mode, accept_shrink: str = "") -> dict[str, object]:
    """The configuration of a platform's run; `accept_shrink` is an operator's reason for a shrink, see CommitConfig."""
    ops: dict[str, object] = {f"landing__{platform.name}": {"config": {"mode": mode.value}}}
    if accept_shrink:
        for dataset in platform.datasets:
            ops[f"{platform.name}__{dataset.name}"] = {"config": {"accept_shrink": accept_shrink}}
    return {"ops": ops}


def sync_schedules(platforms: dict[str, Platform], in_use: Collection[str]) -> list[dg.ScheduleDefinition]:
    """The three schedules, each with its job. A schedule without a platform is omitted.

    A job is for every platform; its schedule launches those `in_use`.
    """
    chosen = list(platforms.values())
    monthly = [platform for platform in chosen if platform.cadence == "monthly"]
    weekly = [platform for platform in chosen if platform.cadence == "weekly"]
    delta = [platform for platform in monthly if platform.has_delta]
    plans: list[tuple[str, Cadence, Mode, list[str], list[Platform], str]] = [
        (
            MONTHLY,
            "monthly",
            Mode.full,
            schedule_times.MONTHLY_SYNC,
            monthly,
            "Full sync of every monthly platform, on the 1st.",
        ),
        (
            WEEKLY,
            "weekly",
            Mode.full,
            schedule_times.REGISTER_SYNC,
            weekly,
            "Full sync of the government's registers, every Monday, and on the 1st with all others.",
        ),
        (
            INCREMENTAL,
            "monthly",
            Mode.incremental,
            schedule_times.INCREMENTAL_SYNC,
            delta,
            "The changes since yesterday, of the platforms that offer incremental syncs.",
        ),
    ]
    return [_schedule(*plan, in_use) for plan in plans if plan[4]]


def _schedule(
    name: str,
    cadence: Cadence,
    mode: Mode,
    times: list[str],
    platforms: list[Platform],
    description: str,
    in_use: Collection[str],
) -> dg.ScheduleDefinition:
    selection = dg.AssetSelection.assets(*(key for platform in platforms for key in asset_keys(platform)))
    job = dg.define_asset_job(
        name, selection, description=description, tags=RUN_TAGS, executor_def=dg.in_process_executor
    )
    launched = [platform for platform in platforms if platform.name in in_use]
    return scheduled(job, times, f"{description} One run per platform.", _requests(name, cadence, mode, launched))


def _requests(
    name: str, cadence: Cadence, mode: Mode, platforms: list[Platform]
) -> Callable[[dg.ScheduleEvaluationContext], Iterator[dg.RunRequest]]:
    def requests(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest]:
        at = context.scheduled_execution_time
        partition = current_period(cadence, at).key
        for platform in platforms:
            yield dg.RunRequest(
                run_key=f"{name}/{platform.name}/{at:%Y-%m-%dT%H:%M}",
                partition_key=partition,
                asset_selection=asset_keys(platform),
                run_config=run_config(platform, mode),
                tags={**RUN_TAGS, "platform": platform.name},
            )

    return requests
