"""Options that several commands on persons have: who the person is, and the privacy request that asks for it."""

from __future__ import annotations

from typing import Annotated

import typer

Subjects = Annotated[
    list[str] | None,
    typer.Option(
        "--subject",
        metavar="PLATFORM:ID",
        help="The person: an id on a platform (`openrice:48213`), or a data subject id. May be given several times.",
    ),
]
ByEmail = Annotated[str, typer.Option("--email", help="The person's e-mail address.")]
ByPhone = Annotated[str, typer.Option("--phone", help="The person's phone number; without +, of Hong Kong.")]
ByHandle = Annotated[str, typer.Option("--handle", help="The name of the person's account.")]
ByName = Annotated[str, typer.Option("--name", metavar="TEXT", help="The person's name.")]
RequestNumber = Annotated[
    int | None,
    typer.Option(
        "--request",
        metavar="NUMBER",
        help="The privacy request that asks for it; a new one is recorded if not given.",
    ),
]
IdentityCheck = Annotated[
    str, typer.Option("--identity", help="How the person's identity was checked, for a new privacy request.")
]
