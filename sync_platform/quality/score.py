"""A score: a share of records or cells, with its threshold and its confidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import sqrt
from typing import Any, Literal

from sync_platform.documents.wording import counted
from sync_platform.settings import PlatformSettings, Settings
from sync_platform.sources.columns import Column

Dimension = Literal["validation", "completeness", "accuracy", "consistency"]
DIMENSIONS: tuple[Dimension, ...] = ("validation", "completeness", "accuracy", "consistency")
OVERALL = "overall"
WHOLE = "all"
"""The name of the measure for a whole dimension."""
Z95 = 1.959963984540054

SCORES = (
    Column("platform", "VARCHAR", "Platform"),
    Column("dataset", "VARCHAR", "Dataset"),
    Column("partition", "VARCHAR", "Observation period"),
    Column("sync_id", "VARCHAR", "Sync whose records were scored: sync.runs"),
    Column("run_id", "VARCHAR", "Dagster run of that sync"),
    Column(
        "dimension",
        "VARCHAR",
        "validation | completeness | accuracy | consistency | overall | own: a check of one's own",
    ),
    Column("measure", "VARCHAR", "What of the dimension was measured; `all` for the dimension as a whole"),
    Column("score", "DOUBLE", "Share from 0 to 1; empty where it could not be measured"),
    Column("numerator", "BIGINT", "Records or cells that are as they should be"),
    Column("denominator", "BIGINT", "Records or cells that could be judged"),
    Column("population", "BIGINT", "Records or cells there are, judged or not"),
    Column("low", "DOUBLE", "Lower end of the 95 % interval (Wilson); empty where everything was judged"),
    Column("high", "DOUBLE", "Upper end of the 95 % interval (Wilson); empty where everything was judged"),
    Column("threshold", "DOUBLE", "The smallest score that is good enough; empty where there is none"),
    Column("confidence", "DOUBLE", "Share of the weights that could be measured; of dimensions and the overall score"),
    Column("detail", "JSON", "What is worst, in words, with examples"),
    Column("observed_at", "TIMESTAMPTZ", "When the source was observed (UTC)"),
    Column("committed_at", "TIMESTAMPTZ", "When the score was committed, together with the data (UTC)"),
)


@dataclass(frozen=True)
class Score:
    """One measure of one dimension. `score` is None where nothing could be judged; without evidence it is never 1.

    `stated`: a score that is not numerator / denominator, such as the overall score.
    """

    dimension: str
    measure: str
    numerator: int | None = None
    denominator: int | None = None
    population: int | None = None
    threshold: float | None = None
    confidence: float | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
    stated: float | None = None

    @property
    def score(self) -> float | None:
        """The stated score, or else the share."""
        if self.stated is not None:
            return self.stated
        return self.numerator / self.denominator if self.numerator is not None and self.denominator else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % interval of the share, where only some of the records could be judged."""
        if not self.denominator or self.numerator is None or self.population is None:
            return None
        return wilson(self.numerator, self.denominator) if self.denominator < self.population else None

    @property
    def falls_short(self) -> bool:
        """True if the score was measured and is below its threshold."""
        return self.score is not None and self.threshold is not None and self.score < self.threshold

    @property
    def sampled_share(self) -> float | None:
        """The share of the records that could be judged."""
        if not self.population or self.denominator is None:
            return None
        return min(1.0, self.denominator / self.population)

    @property
    def in_words(self) -> str:
        """The score, the worst problems, and the measures that were not taken."""
        unmeasured = [f"not measured: {', '.join(names)}"] if (names := self.detail.get("not_measured")) else []
        if self.score is None:
            return "not measured"
        counted = f" ({self.numerator:,} of {self.denominator:,})" if self.denominator is not None else ""
        interval = f", 95 % interval {self.interval[0]:.1%} to {self.interval[1]:.1%}" if self.interval else ""
        return "; ".join([f"{self.score:.2%}{counted}{interval}", *self.worst_in_words, *unmeasured])

    @property
    def worst_in_words(self) -> list[str]:
        """The worst problems, worst first."""
        problems = [_in_words(each) for each in self.detail.get("worst", [])]
        if self.detail.get("missing"):
            problems.append(f"{counted(self.detail['missing'], 'record')} that the source claims did not come")
        return problems


def _in_words(worst: Mapping[str, Any]) -> str:
    """One problem of any dimension as a sentence."""
    if "rule" in worst:
        example = f", e.g. {worst['examples'][0]}" if worst["examples"] else ""
        return f"{worst['column']} not {worst['rule']} in {counted(worst['records'], 'record')}{example}"
    if "filled" in worst:
        return f"{worst['column']} is filled in {worst['filled']:,} of {worst['of']:,}"
    wrong = f", e.g. {', '.join(worst['wrong_ids'])}" if worst.get("wrong_ids") else ""
    return f"not true of {counted(worst['wrong'], 'record')}: {worst.get('words', worst['measure'])}{wrong}"


def wilson(hits: int, trials: int) -> tuple[float, float]:
    """The 95 % Wilson score interval of a share; `trials` > 0.

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).
    """
    share, square = hits / trials, Z95 * Z95
    centre = (share + square / (2 * trials)) / (1 + square / trials)
    spread = Z95 / (1 + square / trials) * sqrt(share * (1 - share) / trials + square / (4 * trials * trials))
    return max(0.0, centre - spread), min(1.0, centre + spread)


@dataclass(frozen=True)
class Standards:
    """The requirements: per dimension a threshold and a weight, and the largest tolerated shares in quarantine and of
    what is missing from a list."""

    thresholds: Mapping[str, float] = field(default_factory=lambda: _default_of_each("quality_threshold"))
    weights: Mapping[str, float] = field(default_factory=lambda: _default_of_each("quality_weight"))
    quarantine_tolerance: float = Settings.model_fields["quarantine_tolerance"].default
    gap_tolerance: float = Settings.model_fields["gap_tolerance"].default

    @classmethod
    def of(cls, settings: Settings, own: PlatformSettings | None = None) -> Standards:
        """The installation's standards, with the platform's own tolerances where it has them."""
        tolerance = own.quarantine_tolerance if own else None
        gap_tolerance = own.gap_tolerance if own else None
        return cls(
            {name: getattr(settings, f"quality_threshold_{name}") for name in DIMENSIONS},
            {name: getattr(settings, f"quality_weight_{name}") for name in DIMENSIONS},
            settings.quarantine_tolerance if tolerance is None else tolerance,
            settings.gap_tolerance if gap_tolerance is None else gap_tolerance,
        )

    def threshold(self, dimension: str) -> float | None:
        return self.thresholds.get(dimension)


def _default_of_each(setting: str) -> dict[str, float]:
    """The default of a setting for each dimension."""
    return {name: Settings.model_fields[f"{setting}_{name}"].default for name in DIMENSIONS}


STANDARDS = Standards()
"""The standards of an installation that sets none."""


def overall(dimensions: Sequence[Score], standards: Standards) -> Score:
    """The DataQualityScore: the weighted mean of the measured dimensions.

    sum(weight x score) / sum(weight), over measured dimensions. The confidence is the measured share of the total
    weight, where the weight of each dimension is multiplied by its own confidence.
    """
    measured = [(standards.weights[score.dimension], score) for score in dimensions if score.score is not None]
    weight = sum(share for share, _ in measured)
    total = sum(standards.weights.values())
    mean = sum(share * (score.score or 0.0) for share, score in measured) / weight if weight else None
    threshold = sum(share * (score.threshold or 0.0) for share, score in measured) / weight if weight else None
    measured_weight = sum(share * (1.0 if score.confidence is None else score.confidence) for share, score in measured)
    unmeasured = [score.dimension for score in dimensions if score.score is None]
    return Score(
        OVERALL,
        WHOLE,
        stated=mean,
        threshold=threshold,
        confidence=measured_weight / total if total else 0.0,
        detail={"not_measured": unmeasured} if unmeasured else {},
    )
