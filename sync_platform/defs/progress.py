"""What a sync tells of itself while it runs; the CLI shows it, everyone else lets it pass."""

from __future__ import annotations

from typing import Protocol

from sync_platform.sources.gaps import Gaps


class Progress(Protocol):
    """Called from the thread that runs the platform."""

    def waiting(self, platform: str, text: str) -> None:
        """Another sync of the platform is under way; `text` says which."""

    def took_turn(self, platform: str) -> None:
        """Nobody is in the way (any more): the sync begins."""

    def page(self, platform: str, dataset: str, records: int, gaps: Gaps) -> None:
        """A page of so many records arrived; `gaps` says what is expected in all."""

    def landed(self, platform: str) -> None:
        """Fetching is over; what came is being taken into the lake."""

    def unifying(self, text: str) -> None:
        """Unified restaurants are being made; `text` says what is being done."""


class Silence:
    """Nobody watches."""

    def waiting(self, platform: str, text: str) -> None: ...

    def took_turn(self, platform: str) -> None: ...

    def page(self, platform: str, dataset: str, records: int, gaps: Gaps) -> None: ...

    def landed(self, platform: str) -> None: ...

    def unifying(self, text: str) -> None: ...
