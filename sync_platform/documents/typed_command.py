"""The commands of this program in texts for people.

What belongs here: how a command is written. A message for the person at this command line takes it from `typed`; a text
that is stored, sent or shown on another machine takes it from `named_command`.
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


def named_command(*words: str) -> str:
    """A command of this program by its name alone, however the process that writes the text was called."""
    return f"{PROGRAM} {shlex.join(words)}".rstrip()


def program() -> str:
    """The program as it was called; its name alone where PATH has the same file, or where it was called as a module."""
    called = Path(sys.argv[0])
    path = shutil.which(PROGRAM)
    is_on_path = path is not None and Path(path).resolve() == called.resolve()
    return PROGRAM if called.name != PROGRAM or is_on_path else shlex.quote(str(called))
