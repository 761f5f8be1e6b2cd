"""`sync-platform privacy hold …`: the commands and their options."""

from __future__ import annotations

from typing import Annotated

import typer

from sync_platform.cli.options import AsJson
from sync_platform.cli.privacy.person_options import ByEmail, ByHandle, ByName, ByPhone, Subjects

hold_commands = typer.Typer(no_args_is_help=True, help="Legal holds: what may not be erased until a day.")
OneHold = Annotated[int, typer.Argument(metavar="NUMBER", help="The hold, as `privacy hold list` shows it.")]


@hold_commands.command("add")
def hold_add(
    reason: Annotated[str, typer.Option(help="Why, such as the number of the case.")],
    until: Annotated[str, typer.Option(metavar="DAY", help="The last day of the hold, in Hong Kong (2027-03-31).")],
    subjects: Subjects = None,
    email: ByEmail = "",
    phone: ByPhone = "",
    handle: ByHandle = "",
    name: ByName = "",
    fields: Annotated[
        list[str] | None,
        typer.Option(
            "--field",
            metavar="PLATFORM.DATASET.FIELD",
            help="A field that it covers (`chope.reservations.email`). May be given several times. None: all",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Set a legal hold on a person. An erasure leaves what the hold covers, and erases it when the hold ends.

    Exit code: 0, or 2 for bad usage, or if the person is erased already.
    """
    from sync_platform.cli.privacy.hold import add_hold
    from sync_platform.privacy.person_question import PersonQuestion

    question = PersonQuestion(email=email, phone=phone, handle=handle, name=name)
    raise typer.Exit(add_hold(subjects or [], question, fields or [], reason, until, as_json=as_json))


@hold_commands.command("release")
def hold_release(
    number: OneHold, reason: Annotated[str, typer.Option(help="Why it ends before its day.")], as_json: AsJson = False
) -> None:
    """End a legal hold before its day. `privacy erasure continue`, or the hourly job, then erases what it covered.

    Exit code: 0, or 2 if there is no such hold, or if it has ended.
    """
    from sync_platform.cli.privacy.hold import release_hold

    raise typer.Exit(release_hold(number, reason, as_json=as_json))


@hold_commands.command("list")
def hold_list(as_json: AsJson = False) -> None:
    """List every legal hold. Exit code: 0, or 1 if the ledger of holds was changed."""
    from sync_platform.cli.privacy.hold import list_holds

    raise typer.Exit(list_holds(as_json=as_json))
