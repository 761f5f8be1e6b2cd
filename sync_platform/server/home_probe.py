"""Whether SYNC_HOME can be written now. A full disk, or one that is read-only, refuses runs and records."""

from __future__ import annotations

import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

AGE_S = 2.0
"""The answer is found again when it is older than this: anybody may ask."""
ROOM = b"\0" * 256 * 1024
"""What is written and deleted again. A database needs as much for a few transactions; a smaller rest is a full disk."""


@dataclass
class HomeProbe:
    """The writability of a folder, from a file that is written there. Safe to use from several threads."""

    home: Path
    _found: tuple[float, str] = (float("-inf"), "")
    _finding: threading.Lock = field(default_factory=threading.Lock)

    def problem(self) -> str:
        """What is wrong, in words without details; empty where the folder can be written."""
        with self._finding:
            found_at, problem = self._found
            if time.monotonic() - found_at > AGE_S:
                problem = "" if self._is_writable() else "SYNC_HOME cannot be written"
                self._found = (time.monotonic(), problem)
            return problem

    def _is_writable(self) -> bool:
        try:
            with tempfile.TemporaryFile(prefix=".ready-", dir=self.home, buffering=0) as file:
                return file.write(ROOM) == len(ROOM)
        except OSError:
            return False
