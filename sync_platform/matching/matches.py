"""Matches: the pairs and clusters of a linkage as tables; each pair has its probability and its evidence.

What belongs here: output tables. `clusters` computes the clusters.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import orjson
import polars as pl

from sync_platform.matching.clusters import Clusters
from sync_platform.matching.comparisons import distinct_levels, parse_levels
from sync_platform.matching.explanation import Explainer
from sync_platform.matching.garbage_collection import without_garbage_collection
from sync_platform.matching.linkage import Linkage
from sync_platform.matching.model import Model
from sync_platform.matching.thresholds import Thresholds

PAIR_SCHEMA = {
    "source_a": pl.String,
    "id_a": pl.String,
    "source_b": pl.String,
    "id_b": pl.String,
    "probability": pl.Float64,
    "evidence": pl.String,
}
"""Columns of pairs. `evidence` is JSON as in `Explainer.evidence`. Where a third listing connects a pair, `through` has
that listing's source and id, and the probability is the product along this path."""
CLUSTER_SCHEMA = {"cluster_id": pl.Int64, "source": pl.String, "source_id": pl.String, "is_duplicate": pl.Boolean}
"""Columns of clusters: every listing once; a listing without a match has its own cluster."""
BY_WHICH_PEOPLE_DECIDE = ("name_en", "name_zh", "address_en", "address_zh", "phone")
"""Columns of listings that are in the file for review: of each listing of a pair, as `name_en_a` and `name_en_b`."""
_POSITIONS = {"one": pl.Int64, "other": pl.Int64, "probability": pl.Float64, "evidence": pl.String}
CHANCE_WITH_RIVAL = 0.1
"""The share of a probability that is left where a likelier pair has one of the two: a source lists a place once."""
_DIGITS = 6
_SURE_PROBABILITY = 0.99  # between pairs of such probabilities paths are not looked for


@without_garbage_collection()
def matched_pairs(linkage: Linkage, clusters: Clusters) -> pl.DataFrame:
    """Every two listings of one cluster, in PAIR_SCHEMA, in order.

    Two of one source are there only if one is marked as a second listing.
    """
    explainer = Explainer(linkage.model)
    labels, probabilities = clusters.labels, linkage.probabilities
    inside = np.flatnonzero(labels[linkage.left] == labels[linkage.right])
    is_plain = _are_plain(linkage, labels, inside)
    plain = is_plain[labels[linkage.left[inside]]]
    scored = {
        (one, other): number
        for one, other, number in zip(
            *(column[inside[~plain]].tolist() for column in (linkage.left, linkage.right)),
            inside[~plain].tolist(),
            strict=True,
        )
    }
    rows: list[tuple[int, int, float, str]] = []
    for label, members in clusters.members().items():
        if is_plain[label]:
            continue
        known = [(one, other, scored.get((one, other))) for one, other in combinations(members, 2)]
        direct = {(one, other): float(probabilities[pair]) for one, other, pair in known if pair is not None}
        paths = _best_paths(members, direct)
        for one, other, pair in known:
            probability, third = paths[one, other]
            if third is None:
                evidence = explainer.as_json(linkage.levels[scored[one, other]])
            else:
                evidence = _through(linkage, explainer, pair, third)
            rows.append((one, other, probability, evidence))
    pairs = pl.concat(
        [_scored_pairs(linkage, explainer, inside[plain]), pl.DataFrame(rows, schema=_POSITIONS, orient="row")]
    )
    return _as_table(linkage, pairs.sort(pl.Series(labels).gather(pairs["one"]), "one", "other"))


@without_garbage_collection()
def review_pairs(linkage: Linkage, clusters: Clusters, thresholds: Thresholds) -> pl.DataFrame:
    """Pairs that a person should review, likeliest first, in PAIR_SCHEMA.

    These are the pairs between the two thresholds, and likelier pairs in different clusters, because another listing of
    the same source was likelier still.
    """
    apart = clusters.labels[linkage.left] != clusters.labels[linkage.right]
    chosen = np.flatnonzero(linkage.may_join & apart & (linkage.probabilities >= thresholds.review))
    pairs = _scored_pairs(linkage, Explainer(linkage.model), chosen)
    return _as_table(linkage, pairs.sort(-pl.col("probability").round(_DIGITS), "one", "other"))


def expected_same(review: pl.DataFrame, thresholds: Thresholds) -> float:
    """How many of the pairs for review are probably one place: the sum of their probabilities, rivals considered."""
    has_rival = pl.col("probability") >= thresholds.match
    chance = pl.when(has_rival).then(CHANCE_WITH_RIVAL).otherwise(1.0) * pl.col("probability")
    return float(review.select(chance.sum()).item())


def with_listings(pairs: pl.DataFrame, listings: pl.DataFrame) -> pl.DataFrame:
    """Pairs in their order, with the columns by which people decide, of both listings side by side. `listings`: a
    listing table with the listings of all pairs."""
    keys = ["source", "source_id"]
    for end in ("a", "b"):
        side = listings.select(*keys, pl.col(BY_WHICH_PEOPLE_DECIDE).name.suffix(f"_{end}"))
        pairs = pairs.join(
            side, left_on=[f"source_{end}", f"id_{end}"], right_on=keys, how="left", maintain_order="left"
        )
    return pairs.select(*PAIR_SCHEMA, *(f"{name}_{end}" for name in BY_WHICH_PEOPLE_DECIDE for end in ("a", "b")))


def explain_links(links: pl.DataFrame, model: Model) -> pl.DataFrame:
    """Links (`linkage_state.LINK_SCHEMA`) in PAIR_SCHEMA and in their order, each with the evidence of its levels."""
    explainer = Explainer(model)
    evidence = {
        written: explainer.as_json(np.array(parse_levels(written), dtype=np.int8))
        for written in links["levels"].unique().to_list()
    }
    found = links.with_columns(
        pl.col("probability").round(_DIGITS),
        pl.col("levels").replace_strict(evidence, return_dtype=pl.String).alias("evidence"),
    )
    return found.select(list(PAIR_SCHEMA))


def cluster_table(linkage: Linkage, clusters: Clusters) -> pl.DataFrame:
    """Every listing with the number of its cluster, in CLUSTER_SCHEMA; numbers count from 1 in order of listings."""
    numbers = pl.Series("cluster_id", clusters.labels).rank("dense").cast(pl.Int64)
    return linkage.listings.with_columns(numbers).select(list(CLUSTER_SCHEMA)).sort("cluster_id", "source", "source_id")


def _are_plain(linkage: Linkage, labels: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """By label: true for clusters of one listing, and where all pairs were compared and are so sure that no path
    through a third listing is looked for. `inside`: the pairs within clusters."""
    sizes, of_pairs = np.bincount(labels), labels[linkage.left[inside]]
    plain = np.bincount(of_pairs, minlength=len(sizes)) == sizes * (sizes - 1) // 2
    plain[of_pairs[linkage.probabilities[inside] < _SURE_PROBABILITY]] = False
    return np.asarray(plain)


def _scored_pairs(linkage: Linkage, explainer: Explainer, chosen: np.ndarray) -> pl.DataFrame:
    """Pairs of the linkage with their evidence, in _POSITIONS."""
    different, which = distinct_levels(linkage.levels[chosen])
    evidence = pl.Series([explainer.as_json(levels) for levels in different], dtype=pl.String)
    columns = (linkage.left[chosen], linkage.right[chosen], linkage.probabilities[chosen], evidence.gather(which))
    return pl.DataFrame(dict(zip(_POSITIONS, columns, strict=True)), schema=_POSITIONS)


def _best_paths(
    members: list[int], direct: dict[tuple[int, int], float]
) -> dict[tuple[int, int], tuple[float, int | None]]:
    """For each two members the likeliest path: its probability, and a listing on the path; None for a direct pair."""
    at = {member: number for number, member in enumerate(members)}
    best = np.zeros((len(members), len(members)))
    for (one, other), probability in direct.items():
        best[at[one], at[other]] = best[at[other], at[one]] = probability
    through = np.full(best.shape, -1)
    for third in range(len(members)):
        path = best[:, third, None] * best[None, third, :]
        better = path > best
        best[better], through[better] = path[better], third
    return {
        (one, other): (float(best[at[one], at[other]]), members[middle] if middle >= 0 else None)
        for one, other in combinations(members, 2)
        for middle in [int(through[at[one], at[other]])]
    }


def _through(linkage: Linkage, explainer: Explainer, pair: int | None, third: int) -> str:
    source, source_id, _ = linkage.listings.row(third)
    own = explainer.evidence(linkage.levels[pair]) if pair is not None else {"words": "they were not compared"}
    words = f"both are one place with {source} {source_id}; {own['words']}"
    return orjson.dumps({**own, "words": words, "through": [source, source_id]}).decode()


def _as_table(linkage: Linkage, pairs: pl.DataFrame) -> pl.DataFrame:
    """Pairs in _POSITIONS as a table in PAIR_SCHEMA."""
    keys = linkage.listings.select("source", "source_id")
    return pl.DataFrame(
        {
            "source_a": keys["source"].gather(pairs["one"]),
            "id_a": keys["source_id"].gather(pairs["one"]),
            "source_b": keys["source"].gather(pairs["other"]),
            "id_b": keys["source_id"].gather(pairs["other"]),
            "probability": pairs["probability"].round(_DIGITS),
            "evidence": pairs["evidence"],
        },
        schema=PAIR_SCHEMA,
    )
