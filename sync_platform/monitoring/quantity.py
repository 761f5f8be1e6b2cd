"""Quantities: what a series measures, which deviations of it are bad, and the smallest one that is worth a message.

What belongs here: the standards of each quantity, and its words. How a band is computed is in band.py.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Scale = Literal["size", "count", "share"]
Worse = Literal["up", "down", "both"]
SMALLEST = 0.001
"""What less counts as where a logarithm is taken. The floors of sizes are larger."""


@dataclass(frozen=True)
class Quantity:
    """What a series measures.

    `scale`: how its noise behaves. `size`: in proportion to the value (its logarithm is compared); `count`: like a
    number of events (its square root is compared); `share`: the same everywhere, from 0 to 1.
    `worse`: the direction of bad deviations. `relative_floor` (share of the expected value) and `floor` (in the unit of
    the quantity): a band is at least so wide on each side. `deviations`: half the width of a band, in standard
    deviations of the noise. `is_stock`: it is what is there, not what happened, so the last point and the trend are the
    best prediction; otherwise the median of the last points is. `means`: what a deviation can mean. `effect`: on the
    data.
    """

    name: str
    scale: Scale
    worse: Worse
    relative_floor: float
    floor: float
    deviations: float
    is_stock: bool
    words: str
    means: str
    effect: str

    def compared(self, value: float) -> float:
        """The value on the scale on which its noise is the same everywhere."""
        if self.scale == "size":
            return math.log(max(value, SMALLEST))
        return 2.0 * math.sqrt(max(value, 0.0)) if self.scale == "count" else value

    def value(self, compared: float) -> float:
        """The inverse of `compared`."""
        if self.scale == "size":
            return math.exp(compared)
        return (max(compared, 0.0) / 2.0) ** 2 if self.scale == "count" else compared

    def certain_noise(self, compared: float, of: int | None) -> float:
        """The standard deviation that chance alone gives: of a number of events, or of a share of `of` records.

        On the compared scale. A Poisson variable has the deviation 1 there; a share has its binomial deviation, with
        one record added, so that it is not 0 for a share of 0.
        """
        if self.scale == "count":
            return 1.0
        if self.scale == "size" or not of:
            return 0.0
        share = (min(max(compared, 0.0), 1.0) * of + 1.0) / (of + 2.0)
        return math.sqrt(share * (1.0 - share) / of)

    def in_words(self, value: float) -> str:
        """The value with its unit."""
        if self.scale == "share":
            return f"{value:.2%}"
        if self.name == "duration":
            return f"{value:,.0f} s" if value < 600 else f"{value / 60:,.0f} min"
        return f"{value:,.1f} records/s" if self.name == "throughput" else f"{value:,.0f}"


VOLUME = Quantity(
    "volume",
    "size",
    "both",
    relative_floor=0.03,
    floor=3.0,
    deviations=3.5,
    is_stock=True,
    words="the number of rows that a full sync lists",
    means="The source leaves records out or lists them twice, a part of it is renamed or moved, or the market changed.",
    effect="Records may be missing, retired without cause, or stored twice.",
)
DELTA_VOLUME = Quantity(
    "delta_volume",
    "count",
    "both",
    relative_floor=0.5,
    floor=10.0,
    deviations=5.0,
    is_stock=False,
    words="the number of records that an incremental sync brings",
    means="The source reports too few or too many changes: its feed is cut, repeated, or a mass update.",
    effect="Changes may be missing until the next full sync, or were written without need.",
)
SLOW_MEANS = "The source answers slowly or asks for pauses, the network or the machine is busy, or the lake is slow."
SLOW_EFFECT = "The data are right, but they come later; the next sync may overlap."
DURATION = Quantity(
    "duration",
    "size",
    "up",
    relative_floor=0.5,
    floor=60.0,
    deviations=4.0,
    is_stock=False,
    words="the time from the start of a sync to the commit of the table",
    means=SLOW_MEANS,
    effect=SLOW_EFFECT,
)
THROUGHPUT = Quantity(
    "throughput",
    "size",
    "down",
    relative_floor=0.4,
    floor=0.01,
    deviations=4.0,
    is_stock=False,
    words="the records per second of a sync that takes a minute or more",
    means=SLOW_MEANS,
    effect=SLOW_EFFECT,
)
ERROR_RATE = Quantity(
    "error_rate",
    "share",
    "up",
    relative_floor=0.0,
    floor=0.005,
    deviations=5.0,
    is_stock=False,
    words="the share of what was asked for that could not be stored: pages that failed, records in quarantine",
    means="The source fails often, or sends records in a form that the contract does not know.",
    effect="The last good version of these records stays, marked stale; new ones are missing.",
)
NULL_RATE = Quantity(
    "null_rate",
    "share",
    "up",
    relative_floor=0.0,
    floor=0.03,
    deviations=5.0,
    is_stock=False,
    words="the share of rows in which the column is empty",
    means="The source no longer fills the field, renamed it, or shows it only with a permission that is gone.",
    effect="Values that were known are empty now, also in unified restaurants.",
)
SCORE = Quantity(
    "score",
    "share",
    "down",
    relative_floor=0.0,
    floor=0.02,
    deviations=5.0,
    is_stock=False,
    words="the quality score",
    means="More records than usual break a rule, are incomplete, or contradict a reference, others or their own past.",
    effect="Data that are less good than they were are in use.",
)
QUANTITIES: Mapping[str, Quantity] = {
    quantity.name: quantity for quantity in (VOLUME, DELTA_VOLUME, DURATION, THROUGHPUT, ERROR_RATE, NULL_RATE, SCORE)
}
