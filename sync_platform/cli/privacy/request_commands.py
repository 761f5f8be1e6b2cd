"""`sync-platform privacy requests …`: the commands and their options."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from sync_platform.cli.options import AsJson

request_commands = typer.Typer(
    no_args_is_help=True,
    help="The register of requests of persons about their data: list, show, add, note, extend, refuse, close, lift.",
)
OneRequest = Annotated[
    int, typer.Argument(metavar="N", min=1, help="The request, as `privacy requests list` shows it.")
]
RegisterText = "The register is not sealed: write no name, address or number of a person."


class RequestKindOption(StrEnum):
    access = "access"
    erasure = "erasure"
    correction = "correction"
    restriction = "restriction"


class LawOption(StrEnum):
    gdpr = "gdpr"
    pdpo = "pdpo"
    both = "both"


@request_commands.command("list")
def requests_list(
    lists_all: Annotated[bool, typer.Option("--all", help="Also the closed requests.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the open requests, the first that is due first.

    Exit code: 0, also if one is overdue; 1 if the register was changed outside this program.
    """
    from sync_platform.cli.privacy.request_list import list_requests

    raise typer.Exit(list_requests(lists_all=lists_all, as_json=as_json))


@request_commands.command("show")
def requests_show(number: OneRequest, as_json: AsJson = False) -> None:
    """Show one request: when it is due, what was done, by whom.

    Exit code: 0, or 2 if there is no such request.
    """
    from sync_platform.cli.privacy.request_show import show_request

    raise typer.Exit(show_request(number, as_json=as_json))


@request_commands.command("add")
def requests_add(
    kind: Annotated[
        RequestKindOption, typer.Argument(metavar="KIND", help="access, erasure, correction or restriction.")
    ],
    received: Annotated[
        str | None,
        typer.Option(
            metavar="TIMESTAMP", help="The day in Hong Kong, or the moment, of its receipt; now if not given."
        ),
    ] = None,
    law: Annotated[
        LawOption,
        typer.Option(metavar="LAW", help="gdpr (due in a month), pdpo (40 days) or both: the shorter time counts."),
    ] = LawOption.both,
    reference: Annotated[
        str, typer.Option(help=f"Where the letters about it are, such as a ticket. {RegisterText}")
    ] = "",
    identity: Annotated[
        str, typer.Option(help="How the identity of the person was checked, if it was. It can be noted later.")
    ] = "",
    subject: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="A subject id of the person; may be repeated.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Record a request that was received, and show its number and its last day.

    Exit code: 0, or 2 for bad usage.
    """
    from sync_platform.cli.privacy.request_change import add_request

    raise typer.Exit(add_request(kind.value, received, law.value, reference, identity, subject or [], as_json=as_json))


@request_commands.command("note")
def requests_note(
    number: OneRequest,
    text: Annotated[str, typer.Argument(metavar="TEXT", help=f"The note. {RegisterText}")],
    identity: Annotated[
        bool, typer.Option("--identity", help="The note says how the identity of the person was checked.")
    ] = False,
    subject: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="A subject id of the person; may be repeated.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Add a note to a request; with --identity, record that the identity of the person is checked.

    A closed request takes notes too. Exit code: 0, or 2 if there is no such request.
    """
    from sync_platform.cli.privacy.request_change import note_request

    raise typer.Exit(note_request(number, text, subject or [], is_identity=identity, as_json=as_json))


@request_commands.command("extend")
def requests_extend(
    number: OneRequest,
    until: Annotated[str, typer.Option(metavar="DAY", help="The new last day, in Hong Kong (2026-11-24).")],
    reason: Annotated[str, typer.Option(help="Why it takes longer. The law requires that the person is informed.")],
    as_json: AsJson = False,
) -> None:
    """Extend the time for the answer, before it has passed. The GDPR allows two further months.

    Exit code: 0, or 2 if it cannot be extended.
    """
    from sync_platform.cli.privacy.request_change import extend_request

    raise typer.Exit(extend_request(number, until, reason, as_json=as_json))


@request_commands.command("refuse")
def requests_refuse(
    number: OneRequest,
    reason: Annotated[str, typer.Option(help="Why it is refused. The register keeps it for four years.")],
    law: Annotated[str, typer.Option(metavar="PROVISION", help='The law that allows it, such as "PDPO s.20(1)(a)".')],
    as_json: AsJson = False,
) -> None:
    """Refuse a request, with the reason and the law.

    Exit code: 0, or 2 if there is no such open request.
    """
    from sync_platform.cli.privacy.request_change import refuse_request

    raise typer.Exit(refuse_request(number, reason, law, as_json=as_json))


@request_commands.command("close")
def requests_close(
    number: OneRequest,
    answer: Annotated[str, typer.Option(help=f"What the person was answered, and how. {RegisterText}")] = "",
    withdrawn: Annotated[
        str, typer.Option(metavar="REASON", help="Instead: why the person does not ask any more.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Close a request that was answered, or that the person withdrew.

    An answer needs a person whose identity is checked. Exit code: 0, or 2 if it cannot be closed.
    """
    from sync_platform.cli.privacy.request_change import close_request

    raise typer.Exit(close_request(number, answer, withdrawn, as_json=as_json))


@request_commands.command("lift")
def requests_lift(
    number: OneRequest,
    reason: Annotated[str, typer.Option(help=f"Why it ends. Inform the person first. {RegisterText}")],
    as_json: AsJson = False,
) -> None:
    """End a restriction: the records of the person are shown again. Or end corrections: the platform's values count.

    Exit code: 0, or 2 if the request has no restriction or correction that applies.
    """
    from sync_platform.cli.privacy.request_change import lift_request

    raise typer.Exit(lift_request(number, reason, as_json=as_json))
