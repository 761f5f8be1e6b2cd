"""The setting PLATFORMS_IN_USE leaves platforms out of health, freshness, schedules and syncs without names."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from sync_platform.definitions import build
from sync_platform.defs.progress import NoProgress
from sync_platform.errors import SettingsError
from sync_platform.monitoring.health_report import health_of
from sync_platform.monitoring.installation_state import read_state
from sync_platform.platforms import load_platforms, platforms_in_use
from sync_platform.settings import Settings


def settings_of(home: Path, names: str) -> Settings:
    return Settings(_env_file=None, sync_home=home, platforms_in_use=names)


def test_all_platforms_are_in_use_where_none_is_named(tmp_path: Path) -> None:
    platforms = load_platforms()
    assert platforms_in_use(platforms, settings_of(tmp_path, "")) == platforms
    assert list(platforms_in_use(platforms, settings_of(tmp_path, "chope, openrice"))) == ["openrice", "chope"]
    with pytest.raises(SettingsError, match="PLATFORMS_IN_USE: unknown platform chop; there are"):
        platforms_in_use(platforms, settings_of(tmp_path, "chop"))


def test_the_health_counts_the_platforms_in_use(tmp_path: Path) -> None:
    settings, now = settings_of(tmp_path, "chope"), datetime(2026, 11, 28, tzinfo=UTC)
    state = read_state(settings, list, lambda own: [], now)
    assert [each.name for each in health_of(settings, load_platforms(), state, now).platforms] == ["chope"]


@pytest.mark.full
def test_a_schedule_launches_the_platforms_in_use_and_its_job_can_sync_every_one(tmp_path: Path) -> None:
    repository = build(settings_of(tmp_path, "chope"), NoProgress()).get_repository_def()
    schedule = repository.get_schedule_def("monthly_full_sync_schedule")
    at = datetime(2026, 12, 1, tzinfo=UTC)
    context = dg.build_schedule_context(scheduled_execution_time=at, repository_def=repository)
    launched = schedule.evaluate_tick(context).run_requests
    assert launched and [each.tags["platform"] for each in launched] == ["chope"]
    assert (
        dg.AssetKey(["openrice", "restaurants"])
        in repository.get_job("monthly_full_sync").asset_layer.selected_asset_keys
    )
