"""One child process that is kept running: restarted with a growing delay, and given up if that does not help."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import IO

logger = logging.getLogger(__name__)
FIRST_DELAY_S, LONGEST_DELAY_S = 1.0, 60.0
MOST_ENDS, WITHIN_S = 5, 600.0
"""A child that ends by itself this often within this time is given up."""
MAIN = "sync_platform.server.processes.child_main"
Relay = Callable[[IO[str]], None]
"""Writes the lines of a child's output into our log, until they end."""


class ChildProcess:
    """A module that runs in a process of its own. `name` is what people call it.

    `relay` gets the child's output; None: the child writes to our standard error itself.
    """

    def __init__(
        self, name: str, command: Sequence[str], environment: Mapping[str, str], relay: Relay | None = None
    ) -> None:
        self.name, self._command, self._relay = name, list(command), relay
        self._environment = {**os.environ, **environment}
        self._process: subprocess.Popen[str] | None = None
        self._ends: deque[float] = deque()
        self._start_at = 0.0
        self.is_given_up = False

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def exit_code(self) -> int | None:
        """None while the process runs; negative: the number of the signal that ended it."""
        return self._process.poll() if self._process else None

    def start(self) -> None:
        """Start the process. A signal for our process group, such as Ctrl-C, does not reach it."""
        self._process = subprocess.Popen(  # noqa: S603 - our own module, and modules of Dagster
            [sys.executable, "-m", MAIN, *self._command],
            env=self._environment,
            start_new_session=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE if self._relay else None,
            stderr=subprocess.STDOUT if self._relay else None,
            text=True,
            errors="replace",
        )
        if self._relay and self._process.stdout:
            threading.Thread(target=self._relay, args=(self._process.stdout,), daemon=True).start()

    def look_after(self, now: float) -> None:
        """Notice that the process has ended, and start it again when its delay is over. `now`: a monotonic time."""
        if self.is_given_up or self.is_running:
            return
        if self._process is not None:
            self._note_end(now)
        elif now >= self._start_at:
            self.start()

    def stop(self, within_s: float) -> bool:
        """Ask the process to stop. True if it ended within that time; otherwise it stops when its work is done.

        The end of its standard input asks it, as the end of this process would: a signal is lost on a child that has
        only just started.
        """
        self.is_given_up = True
        if self._process is None or self._process.stdin is None:
            return True
        self._process.stdin.close()
        return self.wait(within_s)

    def wait(self, within_s: float) -> bool:
        """True if the process ended within that time, or never began."""
        try:
            if self._process is not None:
                self._process.wait(within_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    def kill(self) -> None:
        """End the process, and those that it started, at once."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def _note_end(self, now: float) -> None:
        code = self._process.returncode if self._process else None
        self._process = None
        self._ends.append(now)
        while self._ends[0] < now - WITHIN_S:
            self._ends.popleft()
        if len(self._ends) >= MOST_ENDS:
            self.is_given_up = True
            logger.error("%s has ended %d times (last with code %s): it is given up", self.name, MOST_ENDS, code)
            return
        delay = min(FIRST_DELAY_S * 2 ** (len(self._ends) - 1), LONGEST_DELAY_S)
        self._start_at = now + delay
        logger.error("%s has ended with code %s: it is started again in %.0f s", self.name, code, delay)


def keep_running(children: Sequence[ChildProcess], until: threading.Event, on_given_up: Callable[[], None]) -> None:
    """Look after the children until the event is set, or one is given up."""
    while not until.wait(0.25):
        for child in children:
            child.look_after(time.monotonic())
        if any(child.is_given_up for child in children):
            on_given_up()
            return
