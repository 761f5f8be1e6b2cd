"""`sync-platform backup drill`: a rehearsed restore, with its report."""

from __future__ import annotations

from sync_platform.backup.drill import DrillReport
from sync_platform.cli.audited import audited
from sync_platform.cli.exit_codes import FAILED, OK
from sync_platform.cli.output import Terminal, console, showing_steps, write_json
from sync_platform.documents.local_time import local_time
from sync_platform.documents.wording import counted
from sync_platform.settings import load_settings
from sync_platform.storage.operation_name import OperationName


def drill(*, replica: bool, as_json: bool) -> int:
    """Restore the newest backup into a scratch place and prove it; 0 if it passed, else 1.

    `replica`: from the replica alone; the primary store is not read.
    """
    from sync_platform.defs.backup_drill import run_drill

    settings = load_settings()
    subject = {"replica": True} if replica else {}
    with audited(settings, OperationName.drill, subject) as operation, showing_steps("drill") as show_step:
        report = run_drill(settings, show_step, operation, from_replica=replica)
    if as_json:
        write_json(report.document())
    else:
        _show(report, console())
    return OK if report.passed else FAILED


def _show(report: DrillReport, terminal: Terminal) -> None:
    for problem in report.problems:
        terminal.print(problem, soft_wrap=True)
    left_out = ""
    if report.not_compared:
        left_out = f", {report.not_compared} not, because the lake does not have that commit any more"
    terminal.print(
        f"{report.backup_id}, commit {report.snapshot} ({local_time(report.commit_at)}): "
        f"{counted(report.tables, 'table')}, {counted(report.rows, 'row')} restored; "
        f"{counted(report.compared, 'table')} compared with the lake{left_out}; "
        f"{counted(report.changes, 'change')} verified",
        soft_wrap=True,
    )
    terminal.print(f"RTO {report.rto_s:.1f} s; RPO {report.rpo_s:.0f} s (age of the oldest commit in no backup)")
    terminal.print(
        "The drill passed." if report.passed else f"The drill failed: {counted(len(report.problems), 'problem')}."
    )
