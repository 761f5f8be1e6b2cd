"""Backup, restore, deletion, replica and the vault's backup, killed at any step and run again.

What is half-made never looks whole, the second run succeeds, nothing is lost, and no lock stays.
"""

from __future__ import annotations

import signal

import pytest

from sync_platform.storage.lease import Leases
from sync_platform_tests.backup.diner_home import Template
from sync_platform_tests.backup.interrupted import KINDS, FullCreation, Interrupted, PointInTime
from sync_platform_tests.backup.stepped_command import NEVER, ended_at
from sync_platform_tests.extent import is_full, only_in_full

MOMENTS = [number / 40 for number in range(41)]


@pytest.mark.parametrize(
    "kind", [only_in_full(kind) if kind in (FullCreation, PointInTime) else kind for kind in KINDS]
)
def test_a_program_killed_at_any_step_and_run_again_has_the_same_result(
    template: Template, kind: type[Interrupted]
) -> None:
    whole = kind(template.restore())
    done = ended_at(whole.shell, whole.program, whole.arguments, NEVER, "killed")
    assert done.code == 0, done.errors
    expected = whole.result()
    for step in sorted({max(1, round(share * done.steps)) for share in (MOMENTS if is_full() else kind.moments)}):
        killed = kind(template.restore())
        at = ended_at(killed.shell, killed.program, killed.arguments, step, "killed")
        assert at.code in (-signal.SIGKILL, 0), at.errors  # threads may take a step more or less
        killed.check_interrupted()
        killed.repeat()
        with Leases(f"sqlite:///{killed.home / 'ledger.sqlite'}").hold("maintenance"):
            assert killed.result() == expected, step
