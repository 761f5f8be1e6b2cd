"""The private parts of Dagster that the command line uses."""

from __future__ import annotations

from pathlib import Path

import dagster as dg

from sync_platform.cli.runner.home import prepare_home
from sync_platform.defs.dagster_internals import CHECKED_IN, instance_in


def test_the_internals_were_checked_in_the_installed_version() -> None:
    assert dg.__version__ == CHECKED_IN, (
        f"Dagster is {dg.__version__} now: read sync_platform.defs.dagster_internals.py, look for every name of "
        "its list in the new version, run the tests of cli/ and defs/, and then change CHECKED_IN"
    )


def test_an_instance_keeps_the_settings_of_its_folder_and_captures_no_output(tmp_path: Path) -> None:
    with instance_in(prepare_home(tmp_path)) as instance:
        assert instance.run_retries_enabled
        assert type(instance.compute_log_manager).__name__ == "NoOpComputeLogManager"
