"""Two guides similar to Fodor's and Zagat's: few rows, few columns, no coordinates, no Chinese, no units."""

from __future__ import annotations

import pytest

from sync_platform.matching.clusters import build_clusters
from sync_platform.matching.linkage import link

from .guides import BOTH, two_guides


@pytest.mark.parametrize("seed", range(1, 6))
def test_two_guides_are_matched_without_labels(seed: int) -> None:
    """F1 is above 0.978 with the default thresholds."""
    listings, truth = two_guides(seed)
    linkage = link(listings)
    ids = linkage.listings["source_id"].to_list()
    members = build_clusters(linkage).members().values()
    found = {(ids[pair[0]], ids[pair[1]]) for pair in members if len(pair) == 2}
    assert max(map(len, members)) == 2
    right = len(found & truth)
    precision, recall = right / len(found), right / len(truth)
    print(f"precision {precision:.4f}, recall {recall:.4f}, F1 {2 * right / (len(found) + len(truth)):.4f}")
    assert len(truth) == BOTH
    assert 2 * right / (len(found) + len(truth)) > 0.978
