"""`sync-platform privacy erase` and `privacy erasure …`: the commands and their options."""

from __future__ import annotations

from typing import Annotated

import typer

from sync_platform.cli.options import AsJson
from sync_platform.cli.privacy.person_options import (
    ByEmail,
    ByHandle,
    ByName,
    ByPhone,
    IdentityCheck,
    RequestNumber,
    Subjects,
)

erasure_commands = typer.Typer(no_args_is_help=True, help="Confirm, continue and prove erasures of persons.")
OneErasure = Annotated[int, typer.Argument(metavar="NUMBER", help="The erasure, as `privacy erasure list` shows it.")]


def erase(
    reason: Annotated[str, typer.Option(help="Why, such as the letter that asks for it. It must not name the person.")],
    subjects: Subjects = None,
    email: ByEmail = "",
    phone: ByPhone = "",
    handle: ByHandle = "",
    name: ByName = "",
    request: RequestNumber = None,
    identity: IdentityCheck = "",
    yes: Annotated[
        bool, typer.Option("--yes", help="Confirm it yourself, where there is only one operator. That is on record.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be erased; record nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Ask for the erasure of a person, on every copy and for good. A second operator confirms it.

    Where several persons may be meant, they are listed, and the operator chooses by --subject. Nothing is destroyed
    before it is confirmed. Exit code: 0 if it is recorded (with --yes: complete, or deferred by a
    legal hold), 1 if a step failed, 2 for bad usage.
    """
    from sync_platform.cli.privacy.erase import AskedErasure, ask_for_erasure
    from sync_platform.privacy.person_question import PersonQuestion

    question = PersonQuestion(email=email, phone=phone, handle=handle, name=name)
    asked = AskedErasure(subjects or [], question, reason, request, identity)
    raise typer.Exit(ask_for_erasure(asked, confirms=yes, dry_run=dry_run, as_json=as_json))


@erasure_commands.command("confirm")
def erasure_confirm(
    number: OneErasure,
    yes: Annotated[
        bool, typer.Option("--yes", help="Confirm your own request, where there is only one operator; on record.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Confirm an erasure that another operator asked for, and carry it out.

    Exit code: 0 if it is complete or deferred by a legal hold, 1 if a step failed, 2 if it cannot be confirmed.
    """
    from sync_platform.cli.privacy.erase import confirm

    raise typer.Exit(confirm(number, alone=yes, as_json=as_json))


@erasure_commands.command("continue")
def erasure_continue(as_json: AsJson = False) -> None:
    """Go on with every confirmed erasure: one that was interrupted or failed, or whose legal hold has ended.

    Exit code: 0 if no step failed, else 1.
    """
    from sync_platform.cli.privacy.erase import go_on

    raise typer.Exit(go_on(as_json=as_json))


@erasure_commands.command("withdraw")
def erasure_withdraw(
    number: OneErasure,
    reason: Annotated[str, typer.Option(help="Why it is not wanted any more.")],
    as_json: AsJson = False,
) -> None:
    """Withdraw an erasure that is not confirmed yet. Exit code: 0, or 2 if it is confirmed."""
    from sync_platform.cli.privacy.erase import withdraw

    raise typer.Exit(withdraw(number, reason, as_json=as_json))


@erasure_commands.command("list")
def erasure_list(as_json: AsJson = False) -> None:
    """List every erasure with its state. Exit code: 0, or 1 if the ledger of erasures was changed."""
    from sync_platform.cli.privacy.erasure_display import list_erasures

    raise typer.Exit(list_erasures(as_json=as_json))


@erasure_commands.command("show")
def erasure_show(number: OneErasure, as_json: AsJson = False) -> None:
    """Show one erasure: who asked and confirmed, every step, and the proof: each place and its state.

    Exit code: 0, or 1 if its last step failed, or 2 if there is no such erasure.
    """
    from sync_platform.cli.privacy.erasure_display import show_one

    raise typer.Exit(show_one(number, as_json=as_json))
