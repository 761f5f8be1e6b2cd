"""What a rule of retention deleted at one time, as the audit log has it and the compliance report shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sync_platform.privacy.retention_rule import RuleName


@dataclass(frozen=True)
class Deletion:
    """One rule at one time. `before`: what is older was due. `deleted`: how much of each kind of thing.

    `error`: why it failed; empty: it did not.
    """

    rule: RuleName
    before: datetime
    deleted: Mapping[str, int]
    error: str = ""

    @property
    def is_nothing(self) -> bool:
        """True if nothing was due, so that nothing is to be recorded."""
        return not self.error and not any(self.deleted.values())

    def document(self) -> dict[str, Any]:
        return {
            "rule": self.rule,
            "before": self.before.astimezone(UTC).isoformat(),
            "deleted": dict(self.deleted),
            **({"error": self.error} if self.error else {}),
        }


def figures_in_words(figures: Mapping[str, int]) -> str:
    """How much of each kind of thing, such as `3 runs, 5 event logs`; what is 0 is left out."""
    return ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in figures.items() if count)
