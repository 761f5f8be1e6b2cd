"""The subjects of a problem in one phrase, such as “chope, keeta and openrice”."""

from __future__ import annotations

from collections.abc import Iterable

MAX_NAMED = 10
LONGEST_REASON = 300


def in_one_phrase(names: Iterable[str]) -> str:
    """The first MAX_NAMED of the names; of others, how many they are."""
    known = list(names)
    first = known[:MAX_NAMED]
    if len(known) > MAX_NAMED:
        first.append(f"{len(known) - MAX_NAMED} more")
    return " and ".join([", ".join(first[:-1]), first[-1]] if len(first) > 1 else first)


def shortened(reason: str) -> str:
    """The first line of a reason, at most LONGEST_REASON characters."""
    line = (reason.splitlines() or [""])[0].strip()
    return line if len(line) <= LONGEST_REASON else f"{line[: LONGEST_REASON - 1]}…"
