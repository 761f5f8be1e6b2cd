"""Seeded random numbers: the only random numbers of the sandbox, apart from tokens.

What belongs here: random numbers that depend only on the seed and a key. What doesn't: what they decide.
"""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

_MULTIPLIER = 2654435761  # prime, so it shares no factor with the sizes used


def draws(seed: int, *key: object) -> Random:
    """A random stream that is the same in every process for the same seed and key."""
    return Random(f"{seed}/" + "/".join(map(str, key)))


def scramble(number: int, size: int) -> int:
    """Maps `range(size)` onto itself without visible order, so that ids are unique and reveal nothing."""
    return (number * _MULTIPLIER + 40503) % size


def arrivals(stream: Random, since: date, until: date, per_month: float) -> list[date]:
    """Days of a Poisson stream from `since` up to but not including `until`; a later `until` only adds to the list."""
    days: list[date] = []
    if per_month <= 0:
        return days
    rate = per_month / 30.4
    elapsed = 0.0
    span = (until - since).days
    while True:
        elapsed += stream.expovariate(rate)
        if elapsed >= span:
            return days
        days.append(since + timedelta(days=int(elapsed)))
