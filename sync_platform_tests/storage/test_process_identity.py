"""A process is dead once its id has ended or is another's, and a process that cannot be seen is not taken for dead."""

from __future__ import annotations

import subprocess
import sys

import pytest

from sync_platform.storage import process_identity
from sync_platform.storage.process_identity import FIRST_PID, FIRST_UTS, is_dead_here, own_process

SAY_AND_WAIT = (
    "import sys; from sync_platform.storage.process_identity import own_process; print(own_process(), flush=True); "
    "sys.stdin.read()"
)


def test_a_process_lives_until_it_ends_and_one_that_has_its_id_later_is_another() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SAY_AND_WAIT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        identity = process.stdout.readline().strip()
        assert not is_dead_here(identity)
        assert is_dead_here(f"{identity}0"), "the id is in use by a process that started at another time"
    assert is_dead_here(identity)


def test_nothing_is_known_of_another_machine() -> None:
    node, rest = own_process().split("/", 1)
    assert not is_dead_here(f"{node}-other/{rest}0")


@pytest.mark.parametrize(
    ("uts", "pids", "is_known"),
    [
        (FIRST_UTS, "pid:[4026532001]", False),  # a pod with hostNetwork: it has its host's name
        (FIRST_UTS, FIRST_PID, True),  # a process of the host itself
        ("uts:[4026532000]", "pid:[4026532001]", True),  # a container that was started again under its own name
        ("", "", True),  # a system without namespaces
    ],
)
def test_a_container_with_its_hosts_name_knows_nothing_of_another_there(
    monkeypatch: pytest.MonkeyPatch, uts: str, pids: str, is_known: bool
) -> None:
    monkeypatch.setattr(process_identity, "namespace_of", {"uts": uts, "pid": pids}.get)
    ended = f"{own_process()}0"
    assert is_dead_here(ended)
    monkeypatch.setattr(process_identity, "namespace_of", {"uts": uts, "pid": pids and f"{pids}9"}.get)
    if pids != FIRST_PID:
        assert is_dead_here(ended) == is_known
