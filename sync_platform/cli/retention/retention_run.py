"""`sync-platform retention run`: applies every rule of retention now, or shows what is due."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sync_platform.cli.exit_codes import FAILED, OK
from sync_platform.cli.output import Terminal, console, report_problem, showing_steps, write_json
from sync_platform.documents.fitted_table import FittedTable
from sync_platform.errors import SyncError
from sync_platform.platforms import load_platforms
from sync_platform.privacy.recorded_deletion import figures_in_words
from sync_platform.privacy.retention_rule import RULE, RULES, RuleName
from sync_platform.settings import Settings, load_settings

Applied = Sequence[Mapping[str, Any]]
"""For each rule: its name, `before`, `due` or `deleted`, and `error`."""


def run_or_plan(*, dry_run: bool, as_json: bool) -> int:
    """Apply the rules, or show what is due; 0 if no rule failed, else 1."""
    settings = load_settings()
    run_id, error, applied = _plan(settings) if dry_run else _run(settings)
    if as_json:
        rules = [_document(settings, each) for each in applied]
        write_json({"dry_run": dry_run, "run_id": run_id, "error": error, "rules": rules})
    else:
        _show(settings, applied, console(), dry_run=dry_run)
        if run_id and not error:
            console().print(f"Dagster run {run_id}")
    for each in applied:
        if each.get("error") and not as_json:
            report_problem(f"{each['rule']}: {each['error']}")
    if error and not applied:
        report_problem(error)
    return FAILED if error or any(each.get("error") for each in applied) else OK


def _run(settings: Settings) -> tuple[str, str | None, Applied]:
    from sync_platform.cli.runner.instance import prepare
    from sync_platform.cli.runner.runs import Runner  # the import of Dagster takes a second
    from sync_platform.defs.progress import NoProgress

    prepare(settings, [])
    with showing_steps("retention"):
        run, deletions = Runner(settings, NoProgress()).delete_past_retention()
    return run.run_id, run.error, deletions


def _plan(settings: Settings) -> tuple[None, None, Applied]:
    from sync_platform.cli.runner.instance import existing_instance
    from sync_platform.defs.retention_steps import RetainedInstallation

    plans: list[dict[str, Any]] = []
    with existing_instance(settings) as instance, showing_steps("retention") as on_step:
        installation = RetainedInstallation(settings, load_platforms(settings.platform_path), instance)
        for step in installation.steps(datetime.now(UTC)):
            on_step(step.rule.what)
            planned: dict[str, Any] = {"rule": step.rule.name, "before": step.before.isoformat()}
            try:
                plans.append({**planned, "due": step.due()})
            except (SyncError, OSError) as error:
                plans.append({**planned, "due": {}, "error": str(error)})
    return None, None, plans


def _document(settings: Settings, applied: Mapping[str, Any]) -> dict[str, Any]:
    rule = RULE[RuleName(applied["rule"])]
    figures = {name: applied.get(name) for name in ("due", "deleted") if name in applied}
    return {
        "rule": rule.name,
        "what": rule.what,
        "setting": rule.setting,
        "days": rule.days(settings),
        "before": applied["before"],
        **figures,
        "error": applied.get("error"),
    }


def _show(settings: Settings, applied: Applied, terminal: Terminal, *, dry_run: bool) -> None:
    by_rule = {each["rule"]: each for each in applied}
    figure = "due now" if dry_run else "deleted"
    table = FittedTable(("rule", "what", "days", figure), numbers=("days",), unbroken=("rule",))
    for rule in RULES:
        if each := by_rule.get(rule.name):
            figures = each.get("due" if dry_run else "deleted") or {}
            done = "failed" if each.get("error") else figures_in_words(figures) or "nothing"
            table.add_row(rule.name, rule.what, f"{rule.days(settings):,}", done)
    terminal.print_table(table)
    if dry_run:
        terminal.print("Nothing was changed.")
