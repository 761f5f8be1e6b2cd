"""`sync-platform report …`: the commands and their options."""

from __future__ import annotations

from typing import Annotated

import typer

from sync_platform.cli.options import HashLanding, ToFile
from sync_platform.errors import UsageError

report_commands = typer.Typer(
    help="Reports for people outside the company: what was done in a time span, and which obligations were met."
)


@report_commands.command("compliance")
def report_compliance(
    first: Annotated[
        str, typer.Option("--from", metavar="DAY", help="The first day of the span, in Hong Kong; or a moment.")
    ],
    last: Annotated[
        str, typer.Option("--to", metavar="DAY", help="The last day of the span, in Hong Kong; or a moment.")
    ],
    as_html: Annotated[bool, typer.Option("--html", help="Write one HTML page, made for printing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write one JSON document.")] = False,
    landing: HashLanding = False,
    out: ToFile = "-",
) -> None:
    """Write the compliance report of a time span: terms, changes, quality, personal data, retention, proof, operations.

    It verifies the chains as `lineage verify` does, and gets an entry in the audit log. Exit code: 0 only if every
    obligation that was checked is met, 1 if one is not, 2 for bad usage.
    """
    from sync_platform.cli.compliance.report import report_compliance as write_report

    form = _form(as_html=as_html, as_json=as_json)
    raise typer.Exit(write_report(first, last, out, form, hash_landing=landing))


@report_commands.command("restaurant")
def report_restaurant(
    restaurant: Annotated[str, typer.Argument(help="The id of the restaurant, rest-…; unified.restaurants has them.")],
    as_html: Annotated[bool, typer.Option("--html", help="Write one HTML page, made for printing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write one JSON document.")] = False,
    out: ToFile = "-",
) -> None:
    """Write everything about one restaurant for an auditor: sources, listings, decisions, changes, counts and proof.

    It verifies the chains as `lineage verify` does, reads every landed line that the record comes from, and gets an
    entry in the audit log. Exit code: 0 only if all of it is proven, 1 if not, 2 for bad usage.
    """
    from sync_platform.cli.compliance.restaurant_report import report_restaurant as write_report

    raise typer.Exit(write_report(restaurant, out, _form(as_html=as_html, as_json=as_json)))


def _form(*, as_html: bool, as_json: bool) -> str:
    """The form that the options name. UsageError for both."""
    if as_html and as_json:
        raise UsageError("--html and --json: one of the two")
    return "html" if as_html else "json" if as_json else "text"
