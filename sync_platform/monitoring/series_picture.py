"""Pictures of a series and its band: an SVG for the UI, and a line of text for a terminal."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Sequence
from html import escape

from sync_platform.monitoring.anomalies import JudgedSeries
from sync_platform.monitoring.judgement import JudgedPoint

WIDTH, HEIGHT, LEFT, MARGIN = 560, 160, 8, 26
MAX_POINTS, MAX_POINTS_IN_TEXT = 26, 16
"""How many of the newest points a picture shows."""
BLOCKS = "▁▂▃▄▅▆▇█"
BAND_COLOUR, LINE_COLOUR, ANOMALY_COLOUR, TEXT_COLOUR = "#cfe0f5", "#2b5d9b", "#c62828", "#777"
FONT = "font-family='sans-serif' font-size='11'"


def series_svg(judged: JudgedSeries) -> str:
    """The newest points as a line over their band; those outside it are red. Its colours suit light and dark."""
    points, in_words = judged.judged[-MAX_POINTS:], judged.series.quantity.in_words
    low, high = _range(points)
    step = (WIDTH - 2 * LEFT) / max(1, len(points) - 1)

    def position(number: int, value: float) -> tuple[float, float]:
        share = (min(max(value, low), high) - low) / (high - low)
        return LEFT + number * step, HEIGHT - MARGIN - share * (HEIGHT - 2 * MARGIN)

    line = " ".join(
        _coordinates(position(number, judged_point.point.value)) for number, judged_point in enumerate(points)
    )
    parts = [
        *_band(points, position, low, high),
        f"<polyline points='{line}' fill='none' stroke='{LINE_COLOUR}' stroke-width='1.5'/>",
        *(_dot(position(number, judged_point.point.value), judged_point) for number, judged_point in enumerate(points)),
        _text(LEFT, 14, f"{judged.series.name}: {in_words(low)} to {in_words(high)}", "start"),
        _text(LEFT, HEIGHT - 8, f"{points[0].point.at:%Y-%m-%d}", "start"),
        _text(WIDTH - LEFT, HEIGHT - 8, f"{points[-1].point.at:%Y-%m-%d}", "end"),
    ]
    return f"<svg xmlns='http://www.w3.org/2000/svg' width='{WIDTH}' height='{HEIGHT}'>{''.join(parts)}</svg>"


def series_markdown(judged: JudgedSeries) -> str:
    """The picture as an image in Markdown.

    Dagster's UI shows an image whose address has its data: its Markdown allows `data:` for images, and no inline SVG.
    """
    data = b64encode(series_svg(judged).encode()).decode()
    return f"![{judged.series.name}](data:image/svg+xml;base64,{data})"


def series_line(points: Sequence[JudgedPoint]) -> str:
    """The newest points as blocks of different heights; `!` follows a point that is outside its band."""
    newest = points[-MAX_POINTS_IN_TEXT:]
    values = [judged.point.value for judged in newest]
    low, span = min(values), max(values) - min(values)
    heights = [round((value - low) / span * (len(BLOCKS) - 1)) if span else 0 for value in values]
    marks = ["!" if judged.band and not judged.band.contains(judged.point.value) else "" for judged in newest]
    return "".join(f"{BLOCKS[height]}{mark}" for height, mark in zip(heights, marks, strict=True))


def _range(points: Sequence[JudgedPoint]) -> tuple[float, float]:
    """The smallest and the largest value of the picture: of the points, and of the limits of their bands."""
    limits = [
        limit for judged in points if judged.band for limit in (judged.band.low, judged.band.high) if limit is not None
    ]
    values = [*(judged.point.value for judged in points), *limits]
    low, high = min(values), max(values)
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _band(
    points: Sequence[JudgedPoint], position: Callable[[int, float], tuple[float, float]], low: float, high: float
) -> list[str]:
    """The area between the limits; a side without a limit reaches the edge of the picture."""
    known = [(number, judged.band) for number, judged in enumerate(points) if judged.band]
    upper = [_coordinates(position(number, high if band.high is None else band.high)) for number, band in known]
    lower = [_coordinates(position(number, low if band.low is None else band.low)) for number, band in known]
    return [f"<polygon points='{' '.join([*upper, *reversed(lower)])}' fill='{BAND_COLOUR}'/>"] if known else []


def _dot(position: tuple[float, float], judged: JudgedPoint) -> str:
    is_outside = judged.band is not None and not judged.band.contains(judged.point.value)
    colour, radius = (ANOMALY_COLOUR, 4) if is_outside else (LINE_COLOUR, 2)
    return f"<circle cx='{position[0]:.1f}' cy='{position[1]:.1f}' r='{radius}' fill='{colour}'/>"


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f"<text x='{x}' y='{y}' fill='{TEXT_COLOUR}' text-anchor='{anchor}' {FONT}>{escape(text)}</text>"


def _coordinates(position: tuple[float, float]) -> str:
    return f"{position[0]:.1f},{position[1]:.1f}"
