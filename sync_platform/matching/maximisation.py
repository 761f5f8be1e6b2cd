"""Expectation maximisation: the estimation of `m`, with Splink on DuckDB.

What belongs here: `m`, and everything that knows Splink. `estimation` computes `u`, coincidences and the prior.
"""

from __future__ import annotations

import logging
from math import log10
from typing import Any

import msgspec
import numpy as np
import polars as pl

from sync_platform.matching.comparisons import COMPARISONS, UNKNOWN, Comparison
from sync_platform.matching.model import TOGETHER, Model, Parameters, probability_of
from sync_platform.storage.memory_database import memory_database

M_STRENGTH = 20.0
"""The weight of the assumed `m`, in pairs."""
DIGITS = 6
SAME_PAIR = "l.unique_id = r.unique_id"


def with_m(model: Model, levels: np.ndarray, pairs_per_row: float) -> Model:
    """The model with `m` by expectation maximisation over the levels of pairs of different sources.

    `levels` may be a sample; `pairs_per_row` is the number of pairs that each of its rows represents.
    """
    learned = _maximise(model, levels)
    likely = probability_of(msgspec.structs.replace(model, parameters=learned).bits(levels))
    parameters = {}
    for column, comparison in enumerate(COMPARISONS):
        assumed, found = model.parameters[comparison.name], learned[comparison.name]
        matches = float(likely[levels[:, column] != UNKNOWN].sum()) * pairs_per_row
        m = (matches * np.array(found.m) + M_STRENGTH * np.array(assumed.m)) / (matches + M_STRENGTH)
        parameters[comparison.name] = Parameters(rounded(m), assumed.u)
    return msgspec.structs.replace(model, parameters=parameters)


def _maximise(model: Model, levels: np.ndarray) -> dict[str, Parameters]:
    """Run Splink's expectation maximisation.

    Splink compares records by SQL. Here each of its records is a pair with known levels, so the expensive comparison
    happens once and outside SQL.
    """
    from splink import DuckDBAPI, Linker
    from splink.internals.exceptions import EMTrainingException

    logging.getLogger("splink").setLevel(logging.ERROR)
    used = [
        (column, comparison) for column, comparison in enumerate(COMPARISONS) if (levels[:, column] != UNKNOWN).any()
    ]
    if not used:
        return model.parameters
    levels = np.vstack([levels, _pseudo_matches([column for column, _ in used])])
    table = pl.DataFrame(
        {"unique_id": np.arange(len(levels)), **{comparison.name: levels[:, column] for column, comparison in used}}
    ).to_arrow()
    settings: dict[str, Any] = {
        "link_type": "link_only",
        "unique_id_column_name": "unique_id",
        "probability_two_random_records_match": model.prior,
        "comparisons": [_as_splink(comparison, model.parameters[comparison.name]) for _, comparison in used],
        "blocking_rules_to_generate_predictions": [SAME_PAIR],
        "retain_intermediate_calculation_columns": False,
    }
    with memory_database() as connection:
        connection.execute("SET threads = 1")  # fixes the order of sums: the same listings give the same model
        connection.register("pairs", table)
        api = DuckDBAPI(connection)
        linker = Linker([api.register("pairs"), api.register("pairs")], settings, log_level=logging.ERROR)
        try:
            linker.training.estimate_parameters_using_expectation_maximisation(
                SAME_PAIR,
                estimate_without_term_frequencies=True,  # pairs with equal levels are counted, and computed once
                fix_u_probabilities=True,
                fix_probability_two_random_records_match=True,
            )
        except EMTrainingException:
            return model.parameters
        trained = linker.misc.save_model_to_json()
    parameters = dict(model.parameters)
    for comparison in trained["comparisons"]:
        assumed = parameters[comparison["output_column_name"]]
        learned = [level.get("m_probability") for level in comparison["comparison_levels"][1:]][::-1]
        m = [one if isinstance(one, float) else other for one, other in zip(learned, assumed.m, strict=True)]
        parameters[comparison["output_column_name"]] = Parameters(rounded(np.array(m)), assumed.u)
    return parameters


def _pseudo_matches(columns: list[int]) -> np.ndarray:
    """For each level of these comparisons one artificial match that has it and otherwise the best levels.

    They keep the probability of each level above zero, so that it cannot shrink with every step.
    """
    best = np.full(len(COMPARISONS), UNKNOWN, dtype=np.int8)
    for comparison in TOGETHER:
        if COMPARISONS.index(comparison) in columns:
            best[COMPARISONS.index(comparison)] = len(comparison.levels) - 1
    rows = []
    for column in columns:
        for level in range(len(COMPARISONS[column].levels)):
            rows.append(best.copy())
            rows[-1][column] = level
    return np.array(rows, dtype=np.int8)


def _as_splink(comparison: Comparison, parameters: Parameters) -> dict[str, Any]:
    column = f'"{comparison.name}_r"'
    levels: list[dict[str, Any]] = [
        {"sql_condition": f"{column} = {UNKNOWN}", "label_for_charts": "unknown", "is_null_level": True}
    ]
    levels += [
        {
            "sql_condition": f"{column} = {number}" if number else "ELSE",
            "label_for_charts": comparison.levels[number].code,
            "m_probability": parameters.m[number],
            "u_probability": parameters.u[number],
        }
        for number in reversed(range(len(comparison.levels)))
    ]
    return {"output_column_name": comparison.name, "comparison_levels": levels}


def rounded(values: np.ndarray) -> tuple[float, ...]:
    """Rounded to DIGITS significant digits, and never 0."""
    return tuple(round(value, DIGITS - 1 - int(np.floor(log10(value)))) for value in np.maximum(values, 1e-9).tolist())
