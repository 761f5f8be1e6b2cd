"""The commands of this program in texts for people: each as it must be typed here.

What belongs here: how a command is written. Every hint, message and report that names a command takes it from `typed`.
"""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path

PROGRAM = "sync-platform"


def typed(*words: str) -> str:
    """A command of this program as a line for a shell: with the path of the program, unless PATH has it."""
    return f"{program()} {shlex.join(words)}".rstrip()


def program() -> str:
    """The program as it was called; its name alone where PATH has the same file, or where it was called as a module."""
    called = Path(sys.argv[0])
    found = shutil.which(PROGRAM)
    is_on_path = found is not None and Path(found).resolve() == called.resolve()
    return PROGRAM if called.name != PROGRAM or is_on_path else shlex.quote(str(called))
