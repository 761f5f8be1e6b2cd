"""Survivorship: chooses each field of a restaurant from the values of its listings, with the reason.

What belongs here: applying the rules of `survivorship_rules` to many restaurants at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import polars as pl

from sync_platform.quality.areas import METRES_PER_DEGREE, METRES_PER_DEGREE_EAST
from sync_platform.unified.survivorship_rules import (
    AGREED,
    ONLY,
    ORDER,
    RULES,
    SAME_LOCATION_METRES,
    WORDS,
    Criterion,
    FieldRule,
)

HAN, LATIN = r"[\u{3400}-\u{9fff}\u{f900}-\u{faff}\u{20000}-\u{323af}]", r"[A-Za-zÀ-ɏ]"
_LISTING = ("restaurant_id", "source", "source_id")
_REASON = ("source", "source_id", "rule", "words", "others")
IsSharedPhone = Callable[[str], bool]
"""True if a listing's telephone number is known to be shared by several places."""


def golden_fields(listings: pl.DataFrame, is_shared: IsSharedPhone, titles: Mapping[str, str]) -> pl.DataFrame:
    """The golden fields of restaurants. `listings` contains all listings of each restaurant.

    `listings` has `restaurant_id`, `source`, `source_id`, LISTING_COLUMNS (`listings`), `is_live`, `is_stale`,
    `last_changed_at`, `rank` (of the platform) and `is_reference`, and the columns of `listing_districts` and
    `cuisine_taxonomy`. `titles`: name and version of each vocabulary, by name. The result has `restaurant_id`, the
    fields of RULES (`location` as a struct) with their ranges, and for each `why_<field>` as JSON, null where no
    listing has a value: `value`, `source`, `source_id`, `rule`, `words`, and `others`: what all other listings state,
    each with `agrees`. Where a rule has a form, `stated` is what the chosen listing states, if it is another text.
    """
    located = pl.when(pl.col("latitude").is_not_null()).then(pl.struct("latitude", "longitude"))
    listings = listings.with_columns(located.alias("location"))
    fields = listings.select("restaurant_id").unique(maintain_order=True)
    for rule in RULES:
        candidates = _candidates(listings, rule, is_shared)
        fields = fields.join(_decide(candidates, rule, titles), on="restaurant_id", how="left")
    return fields


def _candidates(listings: pl.DataFrame, rule: FieldRule, is_shared: IsSharedPhone) -> pl.DataFrame:
    """Every candidate value of the field, with its value for each criterion."""
    columns = [*_LISTING, "is_live", "is_stale", "is_second_listing", "last_changed_at", "rank", "is_reference"]
    columns += rule.range_columns
    parts = [
        listings.select(*columns, pl.lit(position).alias("position"), pl.col(name).alias("value")).drop_nulls("value")
        for position, name in enumerate(rule.columns)
    ]
    candidates = pl.concat(parts).with_columns(_language(rule).alias(Criterion.LANGUAGE))
    candidates = candidates.filter(pl.col(Criterion.LANGUAGE) > 0)
    candidates = _with_column(candidates, "key", rule.key, pl.String).drop_nulls("key")
    if Criterion.EVIDENCE not in rule.criteria:
        candidates = candidates.unique([*_LISTING, "key"], keep="first", maintain_order=True)
    candidates = _with_column(candidates, Criterion.COMPLETENESS, rule.extent, pl.Int64)
    if Criterion.UNSHARED in rule.criteria:
        candidates = _with_column(candidates, Criterion.UNSHARED, lambda value: not is_shared(value), pl.Boolean)
    current = pl.col("is_live").cast(pl.Int8) * 4 + (~pl.col("is_stale")).cast(pl.Int8) * 2
    candidates = candidates.with_columns(
        (current + (~pl.col("is_second_listing")).cast(pl.Int8)).alias(Criterion.CURRENT),
        pl.col("is_reference").alias(Criterion.REGISTER),
        (~pl.col("is_reference")).alias(Criterion.NOT_REGISTER),
        (-pl.col("rank")).alias(Criterion.PRIORITY),
        pl.col("last_changed_at").alias(Criterion.RECENCY),
        pl.col("source").n_unique().over("restaurant_id").alias("of"),
    )
    if rule.name == "location":
        return _with_neighbours(candidates)
    agreeing = pl.col("source").n_unique().over("restaurant_id", "key")
    if Criterion.EVIDENCE in rule.criteria:
        best_kind = pl.col("position").min().over("restaurant_id", "key", Criterion.CURRENT)
        candidates = candidates.with_columns((-best_kind).alias(Criterion.EVIDENCE))
    return candidates.with_columns(agreeing.alias(Criterion.AGREEMENT))


def _language(rule: FieldRule) -> pl.Expr:
    """2 where a text is in the field's script only, 1 where it is mixed, 0 where it is in another script."""
    if rule.script is None:
        return pl.lit(2)
    script, other_script = (LATIN, HAN) if rule.script == "latin" else (HAN, LATIN)
    is_mine, is_mixed = pl.col("value").str.contains(script), pl.col("value").str.contains(other_script)
    if rule.script == "latin":  # a name with only digits counts as English
        is_mine = is_mine | (pl.col("value").str.contains("[0-9]") & ~is_mixed)
    return pl.when(~is_mine).then(0).when(is_mixed).then(1).otherwise(2)


def _with_column(
    candidates: pl.DataFrame, name: str, find: Callable[[Any], Any], kind: Any, *, of: str = "value"
) -> pl.DataFrame:
    """Add a column with the result of `find` for each value of the column `of`; equal values are computed once."""
    values = candidates[of].to_list()
    results: dict[str, Any] = {}
    expressions = []
    for value in values:
        text = str(value)
        if text not in results:
            results[text] = find(value)
        expressions.append(results[text])
    return candidates.with_columns(pl.Series(name, expressions, kind))


def _with_neighbours(candidates: pl.DataFrame) -> pl.DataFrame:
    """Add AGREEMENT of locations: the number of platforms within SAME_LOCATION_METRES, including its own.

    Distance decides which locations agree, not `key`.
    """
    where = candidates.select(
        "restaurant_id",
        "source",
        "key",
        north=pl.col("value").struct.field("latitude") * METRES_PER_DEGREE,
        east=pl.col("value").struct.field("longitude") * METRES_PER_DEGREE_EAST,
    ).unique()
    pairs = where.join(where, on="restaurant_id", suffix="_there")
    apart = (pl.col("north") - pl.col("north_there")) ** 2 + (pl.col("east") - pl.col("east_there")) ** 2
    near = pairs.filter(apart <= SAME_LOCATION_METRES**2)
    counts = near.group_by("restaurant_id", "key").agg(
        pl.col("source_there").n_unique().alias(Criterion.AGREEMENT), pl.col("key_there").unique().alias("near")
    )
    return candidates.join(counts, on=["restaurant_id", "key"])


def _decide(candidates: pl.DataFrame, rule: FieldRule, titles: Mapping[str, str]) -> pl.DataFrame:
    """Per restaurant the value of the field, and the reason as JSON.

    No two candidates of a restaurant are equal in `source`, `source_id` and `position` (of the column), so the order of
    candidates is the same in every run.
    """
    criteria = (Criterion.CURRENT, *rule.criteria)
    if rule.script is None:
        criteria = tuple(each for each in criteria if each is not Criterion.LANGUAGE)
    ordered = candidates.sort(
        "restaurant_id",
        *criteria,
        "source",
        "source_id",
        "position",
        descending=[False, *[True] * len(criteria), False, False, False],
    )
    best = ordered.group_by("restaurant_id", maintain_order=True).first()
    carried = ["source", "source_id", "key", *(["near"] if "near" in ordered.columns else []), *rule.range_columns]
    same = pl.col("key") == pl.col("key_best")
    if rule.is_set:
        common = pl.col("key").str.split(" ").list.set_intersection(pl.col("key_best").str.split(" "))
        same = common.list.len() > 0
    if rule.range_columns:
        lowest, highest = rule.range_columns
        same = _is_at_most(lowest, f"{highest}_best") & _is_at_most(f"{lowest}_best", highest)
    if "near" in ordered.columns:
        same = pl.col("key").is_in(pl.col("near_best"))
    is_best = (pl.col("source") == pl.col("source_best")) & (pl.col("source_id") == pl.col("source_id_best"))
    best_values = best.select("restaurant_id", *carried)
    compared = ordered.join(best_values, on="restaurant_id", suffix="_best", maintain_order="left")
    compared = compared.with_columns(same.alias("agrees"), is_best.alias("is_best"))
    rival = compared.filter(~pl.col("agrees")).group_by("restaurant_id", maintain_order=True).first()
    decided = _named_rule(best, rival, criteria, [titles[name] for name in rule.vocabularies])
    others = (
        compared.filter(~pl.col("is_best"))
        .group_by("restaurant_id", maintain_order=True)
        .agg(pl.struct("source", "source_id", "value", "agrees").alias("others"))
    )
    whole = _in_form(decided.join(others, on="restaurant_id", how="left"), rule)
    explained = [name for name in ("value", "stated", *_REASON) if name in whole.columns]
    why = pl.struct(*explained).struct.json_encode().alias(f"why_{rule.name}")
    return whole.select("restaurant_id", pl.col("value").alias(rule.name), *rule.range_columns, why)


def _is_at_most(lowest: str, highest: str) -> pl.Expr:
    """True if the lowest value is not above the highest, of which an empty one has no end."""
    return (pl.col(lowest) <= pl.col(highest)).fill_null(True)


def _in_form(decided: pl.DataFrame, rule: FieldRule) -> pl.DataFrame:
    """The values in the rule's form; `stated` is what the listing states, null where it is the same."""
    if rule.form is None:
        return decided
    formed = _with_column(decided.rename({"value": "stated"}), "value", rule.form, pl.String, of="stated")
    if formed.schema["stated"] != pl.String:
        return formed
    return formed.with_columns(pl.when(pl.col("stated") != pl.col("value")).then(pl.col("stated")).alias("stated"))


def _named_rule(
    best: pl.DataFrame, rival: pl.DataFrame, criteria: tuple[Criterion, ...], used: list[str]
) -> pl.DataFrame:
    """The best candidate, with the rule that decided and a sentence about it, which names the used vocabularies."""
    ending = f"; by vocabulary {', '.join(used)}" if used else ""
    compared = best.join(
        rival.select("restaurant_id", *criteria, "source"), on="restaurant_id", how="left", suffix="_rival"
    )
    is_only = pl.col("of") == 1
    if Criterion.EVIDENCE in criteria:  # the evidence of one listing may differ
        is_only &= pl.col("source_rival").is_null()
    rule: Any = pl.when(is_only).then(pl.lit(ONLY))
    rule = rule.when(pl.col("source_rival").is_null()).then(pl.lit(AGREED))
    for criterion in criteria:
        rule = rule.when(pl.col(criterion) != pl.col(f"{criterion}_rival")).then(pl.lit(criterion.value))
    compared = compared.with_columns(rule.otherwise(pl.lit(ORDER)).alias("rule"))
    rows = compared.select("rule", "source", "source_rival", Criterion.AGREEMENT, "of").iter_rows()
    words = [
        WORDS[name].format(source=source, other=other_value, agreeing=agreeing, of=of) + ending
        for name, source, other_value, agreeing, of in rows
    ]
    return compared.with_columns(pl.Series("words", words, pl.String))
