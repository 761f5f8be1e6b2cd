"""Dagster's instance in a new folder, opened by several processes at once."""

from __future__ import annotations

from pathlib import Path

from sync_platform_tests.processes import outputs_of


def test_eight_processes_that_open_a_new_instance_together_all_can_use_it(tmp_path: Path) -> None:
    imports = "from pathlib import Path\nfrom sync_platform.defs.dagster_internals import instance_in"
    program = "with instance_in(Path(sys.argv[1])) as instance: print(instance.get_runs_count())"
    assert outputs_of(8, imports, program, str(tmp_path)) == ["0"] * 8
