"""Many processes prepare the folder of Dagster's state at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sync_platform.cli.runner.home import INSTANCE_YAML, prepare_home

AT_ONCE = 8
TIMES = 50


def test_workers_that_start_together_do_not_disturb_each_other(tmp_path: Path) -> None:
    def prepare_often(_: int) -> None:
        for number in range(TIMES):
            prepare_home(tmp_path / str(number))

    with ThreadPoolExecutor(AT_ONCE) as workers:
        list(workers.map(prepare_often, range(AT_ONCE)))
    for number in range(TIMES):
        (home,) = (tmp_path / str(number)).iterdir()
        assert [file.name for file in home.iterdir()] == ["dagster.yaml"]
        assert (home / "dagster.yaml").read_text() == INSTANCE_YAML


def test_settings_that_an_operator_changed_stay(tmp_path: Path) -> None:
    config = prepare_home(tmp_path) / "dagster.yaml"
    config.write_text("telemetry: {enabled: false}\n")
    prepare_home(tmp_path)
    assert config.read_text() == "telemetry: {enabled: false}\n"
