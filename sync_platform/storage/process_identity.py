"""What tells a process from every other one, on any machine and at any time, and whether it lives."""

from __future__ import annotations

import os
from pathlib import Path

FIRST_UTS, FIRST_PID = "uts:[4026531838]", "pid:[4026531836]"
"""The namespaces of a host itself: Linux gives them fixed numbers (include/linux/proc_ns.h)."""


def own_process() -> str:
    """The machine, the id and the start of this process, as `node/pid/start`."""
    return f"{_node()}/{os.getpid()}/{_started_at(os.getpid())}"


def is_dead_here(process: str) -> bool:
    """True if that process was on this machine, and has ended. Nothing is known of one on another machine."""
    node, pid, started_at = process.rsplit("/", 2)
    return node == _node() and _started_at(int(pid)) != started_at


def _node() -> str:
    """The name of this machine. A container has a name of its own; one that has the name of its host, as with
    `hostNetwork` in Kubernetes, does not see the processes of the others there, so its process ids are added."""
    name, pids = os.uname().nodename, namespace_of("pid")
    return f"{name}, {pids}" if namespace_of("uts") == FIRST_UTS and pids not in ("", FIRST_PID) else name


def namespace_of(kind: str) -> str:
    """The namespace of this process, such as `pid:[4026531836]`; empty on a system without namespaces."""
    try:
        return str(Path(f"/proc/self/ns/{kind}").readlink())
    except OSError:
        return ""


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
