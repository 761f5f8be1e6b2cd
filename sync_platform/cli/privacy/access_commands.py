"""`sync-platform privacy access|open`: the commands and their options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sync_platform.cli.options import AsJson
from sync_platform.cli.privacy.person_options import IdentityCheck, RequestNumber

PassphraseFile = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="A file whose first line is the passphrase; `-` is standard input. If not given, it is asked for.",
    ),
]


def access(
    subject: Annotated[
        str, typer.Option(metavar="PLATFORM:ID", help="An id on a platform (`openrice:48213`), or a data subject id.")
    ] = "",
    email: Annotated[str, typer.Option(help="An e-mail address, in any spelling.")] = "",
    phone: Annotated[str, typer.Option(help="A phone number; without a country code it is of Hong Kong.")] = "",
    handle: Annotated[str, typer.Option(help="The name or id of an account, on any platform.")] = "",
    name: Annotated[str, typer.Option(help="A name, in any order of its words.")] = "",
    choose: Annotated[
        list[str] | None,
        typer.Option(metavar="ID", help="A candidate that is the person; may be given several times; `all`."),
    ] = None,
    list_only: Annotated[bool, typer.Option("--list", help="Only list the candidates; unseal nothing.")] = False,
    request: RequestNumber = None,
    identity: IdentityCheck = "",
    received: Annotated[
        str, typer.Option(metavar="DAY", help="When a new privacy request was received; today if not given.")
    ] = "",
    out: Annotated[
        str, typer.Option(metavar="FILE", help="Write page and JSON to this file, encrypted to a passphrase (age).")
    ] = "",
    passphrase_file: PassphraseFile = None,
    as_html: Annotated[bool, typer.Option("--html", help="Write the page as HTML to standard output.")] = False,
    as_json: AsJson = False,
) -> None:
    """Find a person on all platforms, and show everything that is stored about them, in clear.

    Several candidates are listed, and nothing is unsealed before you choose. The answer is shown on the screen, or
    written to an encrypted file that `privacy open` reads. Exit code: 0 if it is answered or listed, 1 if nobody is
    found, 2 for bad usage and where you have to choose.
    """
    from sync_platform.cli.privacy.access import AskedAccess, give_access
    from sync_platform.privacy.person_question import PersonQuestion

    question = PersonQuestion(subject, email, phone, handle, name)
    asked = AskedAccess(question, tuple(choose or ()), request, identity, received, out, passphrase_file)
    raise typer.Exit(give_access(asked, list_only=list_only, as_html=as_html, as_json=as_json))


def open_answer(
    file: Annotated[Path, typer.Argument(help="The encrypted file that `privacy access --out` wrote.")],
    out: Annotated[
        str, typer.Option(metavar="FOLDER", help="Write the page and the JSON into this folder, in clear.")
    ] = "",
    passphrase_file: PassphraseFile = None,
    as_html: Annotated[bool, typer.Option("--html", help="Write the page as HTML to standard output.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write the JSON to standard output, as without it.")] = False,
) -> None:
    """Open the encrypted answer to an access request. It is on record. Any program for age files opens it too."""
    from sync_platform.cli.privacy.opened_answer import show_answer

    raise typer.Exit(show_answer(file, out, passphrase_file, as_html=as_html, as_json=as_json))
