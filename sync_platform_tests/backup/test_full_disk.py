"""A disk that is full from some moment on: one clear error, nothing half-made counts, and a repeat succeeds."""

from __future__ import annotations

import pytest

from sync_platform_tests.backup.diner_home import Template
from sync_platform_tests.backup.interrupted import Creation, FreshRestore, Interrupted, PointInTime, Replication
from sync_platform_tests.backup.stepped_command import NEVER, ended_at
from sync_platform_tests.extent import is_full, only_in_full

MOMENTS = [number / 20 for number in range(20)] if is_full() else [0.5]


@pytest.mark.parametrize("kind", [Creation, FreshRestore, only_in_full(PointInTime), only_in_full(Replication)])
def test_a_full_disk_is_one_clear_error_and_with_space_a_repeat_succeeds(
    template: Template, kind: type[Interrupted]
) -> None:
    whole = kind(template.restore())
    done = ended_at(whole.shell, whole.program, whole.arguments, NEVER, "full")
    assert done.code == 0, done.errors
    expected = whole.result()
    failed = 0
    for step in sorted({max(1, round(share * done.steps)) for share in MOMENTS}):
        stopped = kind(template.restore())
        at = ended_at(stopped.shell, stopped.program, stopped.arguments, step, "full")
        if at.code:
            failed += 1
            message = " ".join(at.errors.split())
            assert at.code == 1, message
            assert "free some space" in message and str(stopped.folder) in message, message
            assert "Traceback" not in message
        stopped.check_interrupted()
        stopped.repeat()
        assert stopped.result() == expected, step
    assert failed
