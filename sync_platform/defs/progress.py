"""The progress that a run reports. The command line shows it; other interfaces ignore it."""

from __future__ import annotations

from typing import Protocol

from sync_platform.sources.gaps import Gaps


class Progress(Protocol):
    """Receives the progress of a run, in the thread that runs the platform."""

    def waiting(self, platform: str, text: str) -> None:
        """Another sync of the platform is under way; `text` names it."""

    def lock_taken(self, platform: str) -> None:
        """The run holds the platform's lock: its sync begins."""

    def page(self, platform: str, dataset: str, records: int, gaps: Gaps) -> None:
        """A page with that number of records arrived; `gaps` has what is expected in total."""

    def landed(self, platform: str) -> None:
        """Fetching has ended; the landed records are now stored in the lake."""

    def unifying(self, text: str) -> None:
        """Unified restaurants are being made; `text` names the step."""


class NoProgress:
    """Ignores everything."""

    def waiting(self, platform: str, text: str) -> None: ...

    def lock_taken(self, platform: str) -> None: ...

    def page(self, platform: str, dataset: str, records: int, gaps: Gaps) -> None: ...

    def landed(self, platform: str) -> None: ...

    def unifying(self, text: str) -> None: ...
