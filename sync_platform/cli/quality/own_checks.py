"""`sync-platform check`: a team's own checks on what is stored now, so that a new file can be tried without a sync."""

from __future__ import annotations

from collections.abc import Sequence

from sync_platform.cli.exit_codes import FAILED, OK
from sync_platform.cli.output import console, report_problem, styled, write_json
from sync_platform.cli.preconditions import require_lake
from sync_platform.documents.fitted_table import FittedTable
from sync_platform.errors import UsageError
from sync_platform.lake.own_check_scores import run_own_checks
from sync_platform.platforms import load_platforms
from sync_platform.quality.own_check_run import own_check_in_words
from sync_platform.quality.own_checks import OwnCheck, load_own_checks
from sync_platform.quality.score import Score
from sync_platform.settings import load_settings
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import Lake


def run_checks(names: list[str], *, as_json: bool) -> int:
    """Run the named checks, or all; 0 if every one passes and every file is right, else 1. UsageError for a name."""
    settings = load_settings()
    require_lake(settings)
    loaded = load_own_checks(
        settings.checks_folder, load_platforms(settings.platform_path), is_stated=settings.checks is not None
    )
    if unknown := sorted(set(names) - {check.name for check in loaded.checks}):
        known = ", ".join(check.name for check in loaded.checks) or "none"
        raise UsageError(f"{settings.checks_folder} has no check {', '.join(unknown)}; it has {known}")
    checks = [check for check in loaded.checks if not names or check.name in names]
    problems = [] if names else loaded.problems
    with Lake(LakeAddress.of(settings), read_only=True) as lake:
        scores = run_own_checks(lake, checks)
    if as_json:
        results = [_document(check, score) for check, score in zip(checks, scores, strict=True)]
        write_json({"folder": str(settings.checks_folder), "checks": results, "problems": problems})
    else:
        _show(checks, scores)
        for problem in problems:
            report_problem(f"own check {problem}")
        if not checks and not problems:
            console().print(
                f"no checks: {settings.checks_folder} has no file PLATFORM.DATASET.NAME.sql", soft_wrap=True
            )
    return OK if all(map(_passes, scores)) and not problems else FAILED


def _passes(score: Score) -> bool:
    return score.score is not None and not score.falls_short


def _show(checks: Sequence[OwnCheck], scores: Sequence[Score]) -> None:
    if not checks:
        return
    table = FittedTable(("dataset", "check", "result"))
    for check, score in zip(checks, scores, strict=True):
        words = styled(own_check_in_words(score), "" if _passes(score) else "red")
        table.add_row(f"{check.platform}.{check.dataset}", check.name, words)
    console().print_table(table)


def _document(check: OwnCheck, score: Score) -> dict[str, object]:
    return {
        "file": check.file,
        "platform": check.platform,
        "dataset": check.dataset,
        "check": check.name,
        "description": check.description,
        "severity": check.severity,
        "threshold": check.threshold,
        "passes": _passes(score),
        "score": score.score,
        "wrong": None if score.numerator is None else (score.denominator or 0) - score.numerator,
        "records": score.denominator,
        "wrong_ids": score.detail.get("wrong_ids", []),
        "error": score.detail.get("error"),
    }
