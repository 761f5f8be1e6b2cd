"""Pictures of the pages as SVG, without scripts and styles: a score, a trend, the age of data, a map of districts."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from math import pi

from sync_platform.quality.areas import (
    METRES_PER_DEGREE,
    METRES_PER_DEGREE_EAST,
    AreaKind,
    Box,
    NamedArea,
    all_areas,
    find_area,
)

RADIUS = 52
WIDTH, HEIGHT = 120, 28
MAP_WIDTH = 640
HONG_KONG = Box(22.14, 22.57, 113.82, 114.45)
"""What the map shows, in degrees."""


def score_ring(score: float, state: str) -> str:
    """A ring that is full at 100 points."""
    length = 2 * pi * RADIUS
    return (
        f'<svg class="ring {escape(state)}" viewBox="0 0 128 128" role="img" aria-label="{score:.1f} of 100 points">'
        f'<circle cx="64" cy="64" r="{RADIUS}" class="track"/>'
        f'<circle cx="64" cy="64" r="{RADIUS}" class="value" transform="rotate(-90 64 64)" '
        f'stroke-dasharray="{length * score / 100:.1f} {length:.1f}"/>'
        f'<text x="64" y="66" text-anchor="middle" class="number">{score:.0f}</text>'
        '<text x="64" y="86" text-anchor="middle" class="unit">of 100</text></svg>'
    )


def trend_line(scores: Sequence[float]) -> str:
    """A line through scores from 0 to 100, oldest first; the last one is a dot. Empty without scores."""
    if not scores:
        return ""
    low, high = min(scores), max(scores)
    bottom, span = (low, high - low) if high - low >= 1 else (low - 0.5, 1.0)
    step, first = (WIDTH - 8) / max(1, len(scores) - 1), WIDTH - 4 if len(scores) == 1 else 4
    heights = [HEIGHT - 5 - (each - bottom) / span * (HEIGHT - 10) for each in scores]
    points = [(first + number * step, height) for number, height in enumerate(heights)]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    x, y = points[-1]
    words = f"Quality of {len(scores)} days: from {scores[0]:.1f} to {scores[-1]:.1f} of 100, lowest {low:.1f}"
    return (
        f'<svg class="trend" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{words}">'
        f'<polyline points="{line}"/><circle cx="{x:.1f}" cy="{y:.1f}" r="3"/></svg>'
    )


def age_bar(staleness: float, *, is_late: bool) -> str:
    """A bar of the age of data: half full when a sync is due, full at twice the cadence."""
    words = f"{staleness:.0%} of twice the cadence" + (", late" if is_late else "")
    return (
        f'<svg class="age {"late" if is_late else "fresh"}" viewBox="0 0 100 8" preserveAspectRatio="none" '
        f'role="img" aria-label="{words}"><rect width="100" height="8" rx="4" class="track"/>'
        f'<rect width="{max(2.0, staleness * 100):.0f}" height="8" rx="4" class="value"/>'
        '<rect x="49.5" width="1" height="8" class="due"/></svg>'
    )


def district_map(district: str | None, latitude: float | None, longitude: float | None) -> str:
    """The districts of Hong Kong as approximate shapes, that of the restaurant marked, and its coordinate as a dot."""
    area = find_area(district) if district else None
    height = MAP_WIDTH * _height_m(HONG_KONG) / _width_m(HONG_KONG)
    shapes = [_shape(each, "own" if _is_of(area, each) else "district") for each in _districts()]
    mark = ""
    if latitude is not None and longitude is not None and HONG_KONG.contains(latitude, longitude):
        x, y = _place(latitude, longitude)
        mark = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="8" class="dot"/>'
        if area:
            label_x, anchor = (x - 16, "end") if x > MAP_WIDTH * 0.6 else (x + 16, "start")
            mark += f'<text x="{label_x:.1f}" y="{y + 8:.1f}" text-anchor="{anchor}">{escape(area.english)}</text>'
    words = f"Map of Hong Kong's districts: {area.english if area else 'district not known'}"
    words += f", at {latitude:.4f}, {longitude:.4f}" if mark else ", coordinate not known"
    return (
        f'<svg class="map" viewBox="0 0 {MAP_WIDTH} {height:.0f}" role="img" aria-label="{escape(words)}">'
        f"{''.join(shapes)}{mark}</svg>"
    )


def _districts() -> list[NamedArea]:
    """The districts, large ones first: the shapes overlap, and small ones must stay visible."""
    districts = [area for area in all_areas().values() if area.kind == AreaKind.DISTRICT]
    return sorted(districts, key=lambda area: -sum(_width_m(box) * _height_m(box) for box in area.boxes))


def _is_of(area: NamedArea | None, district: NamedArea) -> bool:
    """True if a district is the area, or has it."""
    return area is not None and (area is district or (area.kind > district.kind and area.lies_within(district)))


def _shape(area: NamedArea, kind: str) -> str:
    """The boxes of a district as one shape: an edge around all, and above it the area without edges between boxes."""
    path = "".join(_rectangle(box) for box in area.boxes)
    return f'<g class="{kind}"><path class="edge" d="{path}"/><path d="{path}"/></g>'


def _rectangle(box: Box) -> str:
    left, top = _place(box.north, box.west)
    right, bottom = _place(box.south, box.east)
    return f"M{left:.0f} {top:.0f}H{right:.0f}V{bottom:.0f}H{left:.0f}z"


def _place(latitude: float, longitude: float) -> tuple[float, float]:
    """The point of the map, in its units."""
    scale = MAP_WIDTH / _width_m(HONG_KONG)
    across, down = longitude - HONG_KONG.west, HONG_KONG.north - latitude
    return across * METRES_PER_DEGREE_EAST * scale, down * METRES_PER_DEGREE * scale


def _width_m(box: Box) -> float:
    return (box.east - box.west) * METRES_PER_DEGREE_EAST


def _height_m(box: Box) -> float:
    return (box.north - box.south) * METRES_PER_DEGREE
