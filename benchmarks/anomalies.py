"""A labelled replay of anomaly detection: `python -m benchmarks.anomalies [COUNTS.csv]`.

Faults of known size are put into long invented histories (growth, churn, noise, the register's fall on 30 June) and, if
a file is named, into real daily counts of the register (first column `Timestamp`, then a column per licence type). Each
faulty point is judged by what came before it. False alarms are counted on the histories without faults. The register is
replayed each day, on each weekday as if it was synced weekly, and on each day of the month as if monthly.

A day of the real counts that differs by 5 % or more from the median of the week before, or of the 15 days around it, is
a fault or a change of the source itself: an alarm there is no false one, and no fault is put there.
"""

from __future__ import annotations

import argparse
import csv
import math
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from statistics import median

from sync_platform.monitoring.judgement import MAX_POINTS, judge
from sync_platform.monitoring.quantity import DELTA_VOLUME, DURATION, ERROR_RATE, NULL_RATE, SCORE, VOLUME, Quantity
from sync_platform.monitoring.series import Point, Series
from sync_platform.platforms import load_platforms
from sync_platform.quality.score import wilson
from sync_platform.sources.declaration import YearlyFall
from sync_platform.sources.period import Cadence, period_of

Values = list[tuple[date, float]]
FALL = load_platforms()["data_gov_hk"].dataset("licences").yearly_fall
DROPS = (-0.05, -0.075, -0.1, -0.2, -0.5, -1.0)
QUARTER_DAYS, YEARS, HISTORIES, FAULTS = 91.3, 2, 25, 6
CHURN = 0.015
"""The share of the places that close in a month, and as many open: the sandbox's city (sandbox/evolution.py)."""
SIZES = {"openrice": 30_000, "foodpanda": 12_000, "tripadvisor": 10_000, "keeta": 8_000, "eatigo": 1_000, "chope": 600}
REGISTER_ROWS = 17_000
PLATFORMS, DATASETS, COLUMNS = 20, 3, 6
LEAST_COUNT = 100
"""Smaller types of licences get no faults: a twentieth of them is less than the few rows that a band always allows."""


class Tally:
    """Hits and misses of faults by size, false alarms, and how long was watched."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.found: Counter[float] = Counter()
        self.faults: Counter[float] = Counter()
        self.alarms = self.true_alarms = self.points = 0
        self.days = 0.0

    def line(self) -> str:
        quarters = self.days / QUARTER_DAYS
        sizes = "  ".join(f"{size:+.4g}: {_share(self.found[size], self.faults[size])}" for size in sorted(self.faults))
        return (
            f"{self.name}: {self.alarms} false alarms in {self.points:,} points, {quarters:.0f} quarters "
            f"({self.alarms / quarters:.3f} per quarter)"
            + (f", {self.true_alarms} alarms on faults of the source" if self.true_alarms else "")
            + f"\n    {sizes}"
        )


def series_of(
    values: Values, quantity: Quantity, cadence: Cadence | None, fall: YearlyFall | None = None, of: int | None = None
) -> Series:
    """The values as a series of full syncs of a cadence; None: of incremental syncs, each a period of its own."""
    mode = "full" if cadence else "incremental"
    points = []
    for number, (day, value) in enumerate(values):
        at = datetime(day.year, day.month, day.day, 4, tzinfo=UTC)
        period = period_of(cadence, day).key if cadence else str(number)
        points.append(Point(at, value, period, str(number), at, of))
    return Series("platform", "dataset", quantity, "", mode, mode, points, fall)


def replay(
    tally: Tally,
    series: Series,
    faults: Sequence[float],
    with_fault: Callable[[float, float], float],
    places: Sequence[int],
    labelled: Sequence[bool] = (),
) -> None:
    """Count the alarms of a history, and the faults that are found at the places."""
    points = series.points
    judged = [
        judge(_part(series, points[max(0, number - MAX_POINTS + 1) : number + 1]))[-1] for number in range(len(points))
    ]
    was_anomaly = False
    for number, each in enumerate(judged):
        is_fault = bool(labelled) and labelled[number]
        tally.points += each.verdict != "unknown"
        if each.is_anomaly and not was_anomaly:
            tally.true_alarms += is_fault
            tally.alarms += not is_fault
        was_anomaly = each.is_anomaly
    known = [each for each in judged if each.verdict != "unknown"]
    if known:
        tally.days += (known[-1].point.at - known[0].point.at).days
    for number in places:
        if judged[number].verdict == "unknown" or (labelled and labelled[number]):
            continue
        before, point = points[max(0, number - MAX_POINTS + 1) : number], points[number]
        for size in faults:
            faulty = Point(point.at, with_fault(point.value, size), point.period, "fault", point.at, point.of)
            tally.faults[size] += 1
            tally.found[size] += judge(_part(series, [*before, faulty]))[-1].is_anomaly


def _part(series: Series, points: Sequence[Point]) -> Series:
    return Series(
        series.platform, series.dataset, series.quantity, "", series.mode, series.basis, points, series.yearly_fall
    )


def dropped(value: float, size: float) -> float:
    return float(round(value * (1.0 + size)))


def poisson(chance: random.Random, mean: float) -> int:
    if mean > 200:
        return max(0, round(chance.gauss(mean, math.sqrt(mean))))
    limit, product, number = math.exp(-mean), chance.random(), 0
    while product > limit:
        product *= chance.random()
        number += 1
    return number


def days_every(chance: random.Random, step: float) -> list[date]:
    first = date(2024, 1, 1) + timedelta(days=chance.randrange(28))
    return [first + timedelta(days=round(step * number)) for number in range(int(YEARS * 365 / step))]


def stock(chance: random.Random, rows: int, step: float, growth: float, *, falls: bool = False) -> Values:
    """Rows that open and close at random, and grow by `growth` a month; 1 to 3 % of them are away after 30 June."""
    found: Values = []
    share, months = chance.uniform(0.01, 0.03), step / 30.4
    for day in days_every(chance, step):
        rows += poisson(chance, rows * (CHURN + growth) * months) - poisson(chance, rows * CHURN * months)
        away = share * FALL.part(day) if falls and FALL else 0.0
        found.append((day, float(round(rows * (1.0 - away)))))
    return found


def volumes(chance: random.Random) -> Iterator[Tally]:
    for name, rows in SIZES.items():
        tally = Tally(f"volume of {name}, {rows:,} rows, monthly")
        for _ in range(HISTORIES):
            values = stock(chance, rows, 30.4, chance.uniform(-0.005, 0.02))
            replay(
                tally, series_of(values, VOLUME, "monthly"), DROPS, dropped, chance.sample(range(len(values)), FAULTS)
            )
        yield tally
    tally = Tally(f"volume of the register, {REGISTER_ROWS:,} rows, weekly")
    for _ in range(HISTORIES):
        values = stock(chance, REGISTER_ROWS, 7, chance.uniform(-0.002, 0.005), falls=True)
        places = chance.sample(range(len(values)), 3 * FAULTS)
        replay(tally, series_of(values, VOLUME, "weekly", FALL), DROPS, dropped, places)
    yield tally


def durations(chance: random.Random, step: float) -> Values:
    """Seconds that vary by 12 %; one of twenty syncs takes 30 % longer."""
    return [
        (day, 900 * math.exp(chance.gauss(0, 0.12)) * (1.3 if chance.random() < 0.05 else 1.0))
        for day in days_every(chance, step)
    ]


def deltas(chance: random.Random) -> Values:
    """Changes of each day: more variable than a Poisson process, as people work in batches."""
    return [(day, float(poisson(chance, 150 * chance.gammavariate(20, 0.05)))) for day in days_every(chance, 1)]


def iid_shares(chance: random.Random, usual: float, of: int, step: float) -> Values:
    return [(day, min(1.0, poisson(chance, usual * of) / of)) for day in days_every(chance, step)]


def others(chance: random.Random) -> Iterator[Tally]:
    """The other quantities: noise as it is there, and now and then a point that is unusual but no fault."""

    def times(value: float, size: float) -> float:
        return value * size

    def plus(value: float, size: float) -> float:
        return min(1.0, max(0.0, value + size))

    plans: list[
        tuple[
            str, Quantity, Cadence | None, Callable[[], Values], Sequence[float], Callable[[float, float], float], int
        ]
    ]
    plans = [
        ("duration, weekly, times", DURATION, "weekly", lambda: durations(chance, 7), (2, 3, 5), times, 1),
        ("duration, daily, times", DURATION, None, lambda: durations(chance, 1), (2, 3, 5), times, 1),
        ("volume of deltas, daily, times", DELTA_VOLUME, None, lambda: deltas(chance), (0, 0.2, 5, 20), times, 1),
        (
            "null rate, 2,000 rows, plus",
            NULL_RATE,
            "weekly",
            lambda: iid_shares(chance, 0.1, 2000, 7),
            (0.05, 0.1, 0.3),
            plus,
            2000,
        ),
        (
            "null rate, 100 rows, plus",
            NULL_RATE,
            "weekly",
            lambda: iid_shares(chance, 0.1, 100, 7),
            (0.1, 0.3, 0.5),
            plus,
            100,
        ),
        (
            "error rate, plus",
            ERROR_RATE,
            "weekly",
            lambda: iid_shares(chance, 0.001, 2000, 7),
            (0.01, 0.02, 0.05),
            plus,
            2000,
        ),
        (
            "score, less",
            SCORE,
            "weekly",
            lambda: [(day, 1.0 - value) for day, value in iid_shares(chance, 0.03, 2000, 7)],
            (-0.03, -0.05, -0.1),
            plus,
            2000,
        ),
    ]
    for name, quantity, cadence, make, sizes, with_fault, of in plans:
        tally = Tally(name)
        for _ in range(HISTORIES // 2):
            values = make()
            series = series_of(values, quantity, cadence, of=of)
            replay(tally, series, sizes, with_fault, chance.sample(range(len(values)), FAULTS))
        yield tally


def whole_platforms(chance: random.Random) -> Iterator[Tally]:
    """Every series of platforms without faults, with a full sync each month and a delta each day; alarms by cause.

    Columns and score change slowly, as those of stored rows do: each day a twentieth of the records is measured anew.
    """

    def slow_share(usual: float, of: int) -> Values:
        found, wrong = [], usual * of
        for day in days_every(chance, 1):
            wrong += poisson(chance, usual * of * 0.05) - poisson(chance, max(0.0, wrong) * 0.05)
            found.append((day, min(1.0, max(0.0, wrong / of))))
        return found

    tally = Tally(f"whole platforms of {DATASETS} datasets with {COLUMNS} columns each, monthly and daily")
    for _ in range(PLATFORMS):
        causes: dict[str, set[date]] = {}
        for dataset in range(DATASETS):
            rows = chance.choice((300, 2_000, 10_000))
            plans = [
                (f"volume {dataset}", VOLUME, stock(chance, rows, 30.4, chance.uniform(0, 0.02))),
                (f"delta {dataset}", DELTA_VOLUME, deltas(chance)),
                ("duration", DURATION, durations(chance, 1)),
                (f"score {dataset}", SCORE, [(day, 1 - value) for day, value in slow_share(0.03, rows)]),
                (f"errors {dataset}", ERROR_RATE, iid_shares(chance, 0.001, rows, 1)),
                *((f"columns {dataset}", NULL_RATE, slow_share(0.1, rows)) for _ in range(COLUMNS)),
            ]
            for cause, quantity, values in plans:
                found = alarm_days(
                    tally, series_of(values, quantity, "monthly" if quantity is VOLUME else None, of=rows)
                )
                causes.setdefault(cause, set()).update(found)
        tally.alarms += sum(map(len, causes.values()))
        tally.days += YEARS * 365
    yield tally


def alarm_days(tally: Tally, series: Series) -> set[date]:
    """The days on which a series begins to deviate; the first half of each window only prepares the second."""
    points, half = series.points, MAX_POINTS // 2
    judged = []
    for start in range(0, max(1, len(points) - half), half):
        part = judge(_part(series, points[start : start + MAX_POINTS]))
        judged += part if start == 0 else part[half:]
    tally.points += sum(each.verdict != "unknown" for each in judged)
    return {each.point.at.date() for before, each in pairwise(judged) if each.is_anomaly and not before.is_anomaly}


def read_counts(file: Path) -> dict[str, Values]:
    """The counts of each type by day, and of all types together; a day with several rows has the last one."""
    with file.open(newline="", encoding="utf-8-sig") as text:
        rows = [row for row in csv.DictReader(text) if row.get("Timestamp")]
    types = [name for name in rows[0] if name and name != "Timestamp"]
    days = {datetime.strptime(re.sub(r"\D", "", row["Timestamp"])[:8], "%Y%m%d").date(): row for row in rows}
    counts: dict[str, Values] = {name: [] for name in ("all types", *types)}
    for day in sorted(days):
        known = {
            name: float(days[day][name]) for name in types if re.fullmatch(r"\d+", (days[day][name] or "").strip())
        }
        for name, value in known.items():
            counts[name].append((day, value))
        if known:
            counts["all types"].append((day, sum(known.values())))
    return counts


def faulty_days(values: Values) -> set[date]:
    """The days that differ by a twentieth or more from the week before or from the days around them."""
    found = set()
    for number, (day, value) in enumerate(values):
        before = values[max(0, number - 7) : number] or values[:1]
        around = values[max(0, number - 7) : number + 8]
        usual = [median([each for _, each in some]) for some in (before, around)]
        if any(abs(value - each) >= max(3.0, 0.05 * each) for each in usual):
            found.add(day)
    return found


def labels(part: Values, faulty: set[date]) -> list[bool]:
    """True for a point on a faulty day, and for one that differs by a twentieth from the point before a faulty day."""
    found = []
    for (before, earlier), (day, value) in pairwise([part[0], *part]):
        is_between = any(before < each <= day for each in faulty)
        found.append(day in faulty or (is_between and abs(value - earlier) >= 0.05 * earlier))
    return found


def real_counts(file: Path) -> Iterator[Tally]:
    for name, values in read_counts(file).items():
        faulty = faulty_days(values)
        for cadence in ("daily", "weekly", "monthly"):
            tally = Tally(f"real counts of {name}, {cadence}")
            for part in _phases(values, cadence):
                series = series_of(part, VOLUME, "monthly" if cadence == "monthly" else "weekly", FALL)
                is_large = part and median([value for _, value in part]) >= LEAST_COUNT
                places = range(len(part)) if is_large else ()
                replay(tally, series, DROPS, dropped, places, labels(part, faulty))
            if tally.points:
                yield tally


def _is_weekday(number: int) -> Callable[[date], bool]:
    return lambda day: day.weekday() == number


def _is_day_of_month(number: int) -> Callable[[date], bool]:
    return lambda day: day.day == number


def _phases(values: Values, cadence: str) -> Iterator[Values]:
    """The points of each replay: all days, or those of one weekday or of one day of the month."""
    chosen: dict[str, list[Callable[[date], bool]]] = {
        "daily": [lambda day: True],
        "weekly": [_is_weekday(number) for number in range(7)],
        "monthly": [_is_day_of_month(number) for number in (1, 8, 15, 22, 28)],
    }
    for is_chosen in chosen[cadence]:
        if part := [(day, value) for day, value in values if is_chosen(day)]:
            yield part


def total(name: str, tallies: Sequence[Tally]) -> str:
    """Recall and precision of drops in volume, with 95 % intervals (Wilson)."""
    found, faults = (
        sum(sum(each.found.values()) for each in tallies),
        sum(sum(each.faults.values()) for each in tallies),
    )
    alarms, days = sum(each.alarms for each in tallies), sum(each.days for each in tallies)
    smallest = sum(each.found[DROPS[0]] for each in tallies), sum(each.faults[DROPS[0]] for each in tallies)
    return (
        f"{name}: recall {_share(found, faults)} ({found:,} of {faults:,}); of drops of 5 % {_share(*smallest)}; "
        f"{alarms} false alarms in {days / QUARTER_DAYS:.0f} quarters of a series; "
        f"precision {_share(found, found + alarms)}"
    )


def _share(hits: int, of: int) -> str:
    if not of:
        return "none"
    low, high = wilson(hits, of)
    return f"{hits / of:.3f} ({low:.3f} to {high:.3f})"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.anomalies", description=__doc__)
    parser.add_argument(
        "counts", type=Path, nargs="?", help="Daily counts of the register; without, they are left out."
    )
    options = parser.parse_args()
    chance = random.Random(18)
    invented, real = list(volumes(chance)), list(real_counts(options.counts)) if options.counts else []
    for tally in (*invented, *others(chance), *whole_platforms(chance), *real):
        print(tally.line())
    print(total("invented histories", invented))
    if real:
        print(total("real counts", real))


if __name__ == "__main__":
    main()
