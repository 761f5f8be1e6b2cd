"""Which assets a run makes: those that are selected, or all of its job's."""

from __future__ import annotations

import dagster as dg
import pytest
from dagster._core.test_utils import create_run_for_test

from sync_platform.definitions import build
from sync_platform.defs.progress import NoProgress
from sync_platform.defs.run_assets import key_parts_of
from sync_platform.settings import load_settings


@pytest.mark.parametrize(
    ("job", "parts"),
    [
        ("weekly_government_sync", {"landing", "data_gov_hk", "licences"}),
        ("weekly_full_backup", {"backups", "full"}),
    ],
)
def test_a_run_without_a_selection_makes_the_assets_of_its_job(job: str, parts: set[str]) -> None:
    with dg.instance_for_test() as instance:
        run = instance.create_run_for_job(build(load_settings(), NoProgress()).resolve_job_def(job))
        assert key_parts_of(instance, run) == parts


def test_a_run_with_a_selection_makes_what_is_selected() -> None:
    with dg.instance_for_test() as instance:
        selection = frozenset({dg.AssetKey(["chope", "restaurants"])})
        assert key_parts_of(instance, create_run_for_test(instance, asset_selection=selection)) == {
            "chope",
            "restaurants",
        }
        assert key_parts_of(instance, create_run_for_test(instance)) == set()
