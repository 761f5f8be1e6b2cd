"""No core dumps: the memory of a process that seals has personal values and keys in clear."""

from __future__ import annotations

import contextlib
import resource

NO_DUMP_BYTES = 1
"""Less than a page, so no file is written. Linux also takes this value as "no dump" where a program receives dumps
(`core_pattern` begins with `|`), for which 0 has no effect: fs/coredump.c."""


def forbid_core_dumps() -> None:
    """Let a crash of this process, and of those that it starts from now on, write no core dump."""
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    limit = NO_DUMP_BYTES if hard == resource.RLIM_INFINITY else min(hard, NO_DUMP_BYTES)
    with contextlib.suppress(OSError, ValueError):  # a sandbox that forbids it has a limit of its own
        resource.setrlimit(resource.RLIMIT_CORE, (limit, limit))
