"""Cluster members: the cluster of each listing, its best match there with a probability, and who decided it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import polars as pl

from sync_platform.matching.clusters import Clusters
from sync_platform.matching.decided_pairs import Decision
from sync_platform.matching.explanation import Explainer
from sync_platform.matching.linkage import Linkage
from sync_platform.unified.identity import Key

DIGITS = 4
SCHEMA = {
    "source": pl.String,
    "source_id": pl.String,
    "cluster": pl.Int64,
    "decided_by": pl.String,
    "linked_to": pl.String,
    "probability": pl.Float64,
    "evidence": pl.String,
}


def cluster_members(linkage: Linkage, clusters: Clusters, decisions: Mapping[str, Iterable[Decision]]) -> pl.DataFrame:
    """Every listing of a linkage with its cluster, and with its most likely match in the cluster.

    `decisions`: the decisions by author, `person` or `source`. Columns as in SCHEMA; `decided_by` is `alone` for a
    cluster of one listing, else the author of the decision that put it there, or `evidence`.
    """
    keys = list(linkage.listings.select("source", "source_id").iter_rows())
    best, pair = _best_pairs(linkage, clusters, len(keys))
    explainer = Explainer(linkage.model)
    probabilities = linkage.probabilities
    decided = _decided_by(keys, clusters, decisions)
    sizes = np.bincount(clusters.labels, minlength=len(keys))
    rows = []
    for position, (source, source_id) in enumerate(keys):
        label = int(clusters.labels[position])
        decided_by = decided.get(position) or ("alone" if sizes[label] == 1 else "evidence")
        best_match: tuple[str | None, float | None, str | None] = (None, None, None)
        if best[position] >= 0:
            best_listing, number = keys[best[position]], pair[position]
            probability = round(float(probabilities[number]), DIGITS)
            best_match = ("/".join(best_listing), probability, explainer.as_json(linkage.levels[number]))
        rows.append((source, source_id, label, decided_by, *best_match))
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _best_pairs(linkage: Linkage, clusters: Clusters, count: int) -> tuple[list[int], list[int]]:
    """Per listing its best match within its cluster, and the number of that pair; -1 where there is none."""
    inside = np.flatnonzero(clusters.labels[linkage.left] == clusters.labels[linkage.right])
    order = inside[
        np.lexsort((linkage.closeness[inside], linkage.bits[inside]))
    ]  # the best pair is last and overwrites the others
    best, pair = np.full(count, -1), np.full(count, -1)
    for listing, other_listing in ((linkage.left, linkage.right), (linkage.right, linkage.left)):
        known = pair[listing[order]]
        better = (known < 0) | (linkage.bits[order] >= linkage.bits[known])
        best[listing[order[better]]], pair[listing[order[better]]] = other_listing[order[better]], order[better]
    return best.tolist(), pair.tolist()


def _decided_by(keys: list[Key], clusters: Clusters, decisions: Mapping[str, Iterable[Decision]]) -> dict[int, str]:
    """The author of the decision that put each listing (by position) into its cluster; a person overrides a source."""
    position = {key: number for number, key in enumerate(keys)}
    deciders: dict[int, str] = {}
    for author in ("source", "person"):
        for decision in decisions.get(author, ()):
            one, other = position.get(decision.one), position.get(decision.other)
            if (
                decision.same
                and one is not None
                and other is not None
                and clusters.labels[one] == clusters.labels[other]
            ):
                deciders[one] = deciders[other] = author
    return deciders
