"""What `sync-platform watch` writes: a line for each problem that begins or ends, or JSON.

With JSON every round that changes something is one document on one line; `--once` writes one document. Where log lines
are JSON (`LOG_FORMAT`), the lines of a watch that stays are log lines.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sync_platform.cli.output import Terminal, console, json_line, line, report_problem, styled, write_json
from sync_platform.documents.local_time import local_time
from sync_platform.documents.typed_command import typed
from sync_platform.logs.line_handler import LoggedStream
from sync_platform.monitoring.alert_channels import LEVELS
from sync_platform.monitoring.problem import SEVERITIES, Problem
from sync_platform.monitoring.watch_round import WatchRound
from sync_platform.settings import Settings

COLOURS = {"critical": "red", "high": "red", "medium": "yellow", "low": ""}
MAX_CHARACTERS = 400
"""The most characters of a problem's text in a line."""
logger = logging.getLogger(__name__)


class WatchOutput:
    """Writes rounds. It remembers the last one, so that it writes only what has changed.

    `stays`: the watch makes rounds until it is stopped.
    """

    def __init__(self, *, as_json: bool, stays: bool = True, terminal: Terminal | None = None) -> None:
        self._is_json, self._shown = as_json, terminal or console()
        self._is_logged = stays and isinstance(sys.stderr, LoggedStream)
        self._known: dict[str, Problem] = {}
        self._faults: Sequence[str] = ()
        self._waits_for = ""

    def write_start(self, every_s: int, settings: Settings) -> None:
        if not self._is_json:
            self._note(f"a round every {every_s} seconds over {settings.home}; Ctrl-C ends it")

    def write_end(self) -> None:
        if not self._is_json:
            self._note("the watch ends")

    def write_waiting(self, reason: str, now: datetime) -> None:
        """Another watcher makes the rounds; written once for each."""
        if reason == self._waits_for:
            return
        self._waits_for = reason
        if self._is_json:
            self._json({**_document(None), "at": now, "waits_for": reason})
        else:
            self._note(f"another watcher makes the rounds: {reason}")

    def write_round(self, done: WatchRound) -> None:
        """All problems of a round."""
        if self._is_json:
            write_json(_document(done))
            return
        for problem in _most_severe_first(done.problems):
            self._problem("", problem)
        if not done.problems:
            self._line("nothing is wrong")
        for fault in done.faults:
            report_problem(fault)

    def write_changes(self, done: WatchRound) -> None:
        """The problems that began or ended since the last round."""
        problems = {each.cause: each for each in done.problems}
        began = [each for cause, each in problems.items() if cause not in self._known]
        ended = [] if done.delivery is None else [each for cause, each in self._known.items() if cause not in problems]
        faults = [each for each in done.faults if each not in self._faults]
        self._known = {**self._known, **problems} if done.delivery is None else problems
        self._faults, self._waits_for = done.faults, ""
        if self._is_json:
            if began or ended or faults:
                self._json(_document(done))
            return
        stamp = "" if self._is_logged else f"{local_time(done.at)}  "
        for problem in ended:
            self._note(f"{stamp}ends    {problem.cause}")
        for problem in _most_severe_first(began):
            self._begin(f"{stamp}begins  ", problem)
        for fault in faults:
            report_problem(fault)

    def _note(self, text: str) -> None:
        if self._is_logged:
            logger.info("%s", text)
        else:
            self._line(text)

    def _begin(self, before: str, problem: Problem) -> None:
        if self._is_logged:
            logger.log(LEVELS[problem.severity], "%s", f"{before}{problem.cause}  {problem.what[:MAX_CHARACTERS]}")
        else:
            self._problem(before, problem)

    def _problem(self, before: str, problem: Problem) -> None:
        severity = styled(f"{problem.severity:<8}", COLOURS[problem.severity])
        self._shown.print(line(before, severity, f"  {problem.cause}  {problem.what[:MAX_CHARACTERS]}"), soft_wrap=True)

    def _line(self, text: str) -> None:
        self._shown.print(text, soft_wrap=True)

    def _json(self, document: dict[str, Any]) -> None:
        sys.stdout.write(json_line(document) + "\n")
        sys.stdout.flush()


def _most_severe_first(problems: Sequence[Problem]) -> list[Problem]:
    return sorted(problems, key=lambda problem: (SEVERITIES.index(problem.severity), problem.cause))


def _document(done: WatchRound | None) -> dict[str, Any]:
    """A round as a document; None for one that another watcher makes."""
    problems = _most_severe_first(done.problems) if done else []
    return {
        "at": done.at if done else None,
        "is_complete": done is not None and done.is_complete,
        "waits_for": None,
        "problems": [
            {
                "name": str(problem.name),
                "cause": problem.cause,
                "severity": problem.severity,
                "what": problem.what,
                "effect": problem.effect,
                "action": problem.action,
                "command": typed(*problem.command),
                "subjects": list(problem.subjects),
            }
            for problem in problems
        ],
        "unread": list(done.unread) if done else [],
        "faults": list(done.faults) if done else [],
        "channels": [asdict(delivery) for delivery in done.delivery.channels] if done and done.delivery else [],
    }
