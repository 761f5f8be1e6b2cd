"""What tells a process from every other one, on any machine and at any time, and whether it lives."""

from __future__ import annotations

import os
from pathlib import Path


def own_process() -> str:
    """The machine, the id and the start of this process, as `node/pid/start`."""
    return f"{os.uname().nodename}/{os.getpid()}/{_started_at(os.getpid())}"


def is_dead_here(process: str) -> bool:
    """True if that process was on this machine, and has ended. Nothing is known of one on another machine."""
    node, pid, started_at = process.rsplit("/", 2)
    return node == os.uname().nodename and _started_at(int(pid)) != started_at


def _started_at(pid: int) -> str:
    """When a process started, in clock ticks since boot; empty if there is none. A reused id has another start time."""
    try:
        state, *numbers = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        # Z: the process is dead, but its parent has not waited for it yet, which is common in containers
        return "" if state in "ZX" else numbers[18]
    except OSError:
        pass
    try:
        os.kill(pid, 0)  # a system without /proc: only the id is known
    except OSError:
        return ""
    return "unknown"
