"""Erasures as people read them: `sync-platform privacy erasure list|show`, and what the other commands print."""

from __future__ import annotations

from contextlib import closing

from sync_platform.cli.exit_codes import FAILED, OK
from sync_platform.cli.output import console, line, report_problem, styled, write_json
from sync_platform.cli.privacy.operator import require_operator
from sync_platform.documents.fitted_table import FittedTable
from sync_platform.documents.local_time import local_minute, local_time
from sync_platform.documents.typed_command import typed
from sync_platform.permissions.action import Action
from sync_platform.privacy.erasure_extent import ErasureExtent
from sync_platform.privacy.erasure_ledger import ErasureLedger
from sync_platform.privacy.erasure_proof import read_proof
from sync_platform.privacy.erasure_record import Erasure, ErasureState
from sync_platform.settings import load_settings

WORDS = {
    ErasureState.requested: "waits for a second operator",
    ErasureState.in_progress: "confirmed, and not complete yet",
    ErasureState.on_hold: "deferred by a legal hold: nothing is destroyed yet",
    ErasureState.partly_complete: "all is erased but what a legal hold covers",
    ErasureState.complete: "complete",
    ErasureState.withdrawn: "withdrawn: nothing was destroyed",
}


def list_erasures(*, as_json: bool) -> int:
    """List every erasure; 1 where the ledger of erasures was changed, else 0."""
    settings = load_settings()
    require_operator(settings, Action.read_privacy)
    with closing(ErasureLedger(settings.ledger_url)) as ledger:
        erasures, breaks = ledger.erasures(), ledger.breaks()
    if as_json:
        write_json({"erasures": [each.document() for each in erasures], "breaks": breaks})
    elif not erasures:
        console().print("No erasure was ever asked for.")
    else:
        table = FittedTable(
            ("erasure", "state", "asked for", "by", "confirmed by", "held until"), unbroken=("erasure",)
        )
        for each in erasures:
            held = local_minute(each.held_until) if each.held_until else ""
            by = f"{each.confirmed_by} (alone)" if each.confirmed_alone else each.confirmed_by or ""
            state = f"{each.state}: a step failed" if each.problem else each.state
            table.add_row(str(each.number), state, local_minute(each.requested_at), each.requested_by, by, held)
        console().print_table(table)
    for problem in breaks:
        report_problem(problem)
    return FAILED if breaks else OK


def show_one(number: int, *, as_json: bool) -> int:
    """Show one erasure with its steps and its proof; 1 where its last step failed, else 0."""
    settings = load_settings()
    require_operator(settings, Action.read_privacy)
    with closing(ErasureLedger(settings.ledger_url)) as ledger:
        erasure = ledger.find(number)
    if as_json:
        write_json({"erasure": erasure.document()})
    else:
        show_erasure(erasure, with_steps=True)
    return FAILED if erasure.problem else OK


def show_extent(extent: ErasureExtent) -> None:
    """Print what an erasure would reach."""
    terminal = console()
    terminal.print(f"data subjects: {', '.join(extent.named)}", soft_wrap=True)
    if extent.others:
        terminal.print(f"and under other names on the same platform: {', '.join(extent.others)}", soft_wrap=True)
    for each in extent.tables:
        erased = f", {each.erased:,} in the erased form" if each.erased else ""
        terminal.print(f"  {each.table}: {each.sealed:,} rows{erased}")
    for hold in extent.holds:
        what = ", ".join(hold.fields) or "everything"
        terminal.print(f"  legal hold {hold.number} until {local_time(hold.until)} covers {what}", soft_wrap=True)


def show_erasure(erasure: Erasure, *, with_steps: bool = False) -> None:
    """Print an erasure, its problem or its proof."""
    terminal = console()
    terminal.print(line(styled(f"erasure {erasure.number}", "bold"), f": {WORDS[erasure.state]}"), soft_wrap=True)
    terminal.print(f"  reason: {erasure.reason}", soft_wrap=True)
    terminal.print(f"  asked for by {erasure.requested_by}, {local_time(erasure.requested_at)}", soft_wrap=True)
    if erasure.confirmed_by:
        alone = ", the only operator" if erasure.confirmed_alone else ""
        terminal.print(f"  confirmed by {erasure.confirmed_by}{alone}", soft_wrap=True)
    if erasure.held_until:
        terminal.print(f"  legal hold until {local_time(erasure.held_until)}", soft_wrap=True)
    if with_steps:
        for event in erasure.events:
            details = event.known_details
            what = ": ".join(str(details[name]) for name in ("step", "problem") if name in details)
            terminal.print(f"  {event.at[:19]}Z {event.event} {what} ({event.actor})", soft_wrap=True)
    if erasure.problem:
        terminal.print(f"  NOT complete: {erasure.problem}", soft_wrap=True)
        terminal.print(f"  it goes on every hour, or with: {typed('privacy', 'erasure', 'continue')}", soft_wrap=True)
    elif erasure.proof:
        _show_proof(erasure)


def _show_proof(erasure: Erasure) -> None:
    proof = read_proof(erasure.proof or {})
    table = FittedTable(("place", "state", "what was found"), unbroken=("state",))
    for each in proof.places:
        table.add_row(each.place, each.state, each.in_words)
    console().print_table(table)
    console().print(f"proof of {local_time(proof.at)}: link {erasure.events[-1].link}", soft_wrap=True)
