"""`sync-platform token …` and `sync-platform user …`: the commands and their options."""

from __future__ import annotations

from typing import Annotated

import typer

from sync_platform.cli.options import AsJson
from sync_platform.permissions.role import Role

token_commands = typer.Typer(help="Tokens with which machines use the API and GraphQL: docs/serve.md.")
user_commands = typer.Typer(help="People who may log in: docs/serve.md.")
OneUser = Annotated[str, typer.Argument(metavar="NAME", help="The user's name; an e-mail address is one, too.")]
UserRoles = Annotated[
    list[Role], typer.Option("--role", help="What the user may do; may be given several times.", show_default=False)
]


@token_commands.command("create")
def token_create(
    name: Annotated[str, typer.Argument(help="What uses the token, such as `prometheus`. The audit log has the name.")],
    role: Annotated[Role, typer.Option(help="What the token may do.")] = Role.viewer,
    scope: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ACTION[:RESOURCE]",
            help="Limit the role to this action, such as read-state or start-emergency:chope; may be given several "
            "times. Without it the role is not limited.",
        ),
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=3650, help="Days until the token expires.")] = 90,
    as_json: AsJson = False,
) -> None:
    """Create a token and show it: it is shown only now, since only its hash is stored.

    Exit code: 0, or 2 if the name is in use or a scope is no action.
    """
    from sync_platform.cli.access.tokens import create_token

    raise typer.Exit(create_token(name, role, scope or [], days, as_json=as_json))


@token_commands.command("list")
def token_list(as_json: AsJson = False) -> None:
    """List all tokens, the newest first, with their last use. The tokens themselves are not stored."""
    from sync_platform.cli.access.tokens import list_tokens

    raise typer.Exit(list_tokens(as_json=as_json))


@token_commands.command("revoke")
def token_revoke(
    token: Annotated[str, typer.Argument(help="The id or the name of the token, as `token list` shows it.")],
    as_json: AsJson = False,
) -> None:
    """Revoke a token. It opens nothing from now on; open connections of it end within seconds.

    Exit code: 0, or 2 if there is no such token, or it is revoked already.
    """
    from sync_platform.cli.access.tokens import revoke_token

    raise typer.Exit(revoke_token(token, as_json=as_json))


@user_commands.command("add")
def user_add(name: OneUser, role: UserRoles, as_json: AsJson = False) -> None:
    """Add a person, who logs in with a link (`user link`), a password (`user password`) or OIDC.

    Exit code: 0, or 2 if the name is in use.
    """
    from sync_platform.cli.access.users import add_user

    raise typer.Exit(add_user(name, role, as_json=as_json))


@user_commands.command("change")
def user_change(name: OneUser, role: UserRoles, as_json: AsJson = False) -> None:
    """Replace the roles of a person; they count from the next request on."""
    from sync_platform.cli.access.users import change_user

    raise typer.Exit(change_user(name, role, as_json=as_json))


@user_commands.command("password")
def user_password(name: OneUser, as_json: AsJson = False) -> None:
    """Set a person's password, which is asked for, or read from standard input if that is no terminal.

    It ends the person's sessions. Exit code: 0, or 2 if the password is too short or there is no such user.
    """
    from sync_platform.cli.access.users import set_user_password

    raise typer.Exit(set_user_password(name, as_json=as_json))


@user_commands.command("link")
def user_link(name: OneUser, as_json: AsJson = False) -> None:
    """Show a link that logs a person in once, within 15 minutes."""
    from sync_platform.cli.access.users import show_link

    raise typer.Exit(show_link(name, as_json=as_json))


@user_commands.command("logout")
def user_logout(name: OneUser, as_json: AsJson = False) -> None:
    """End all sessions of a person, also under open pages."""
    from sync_platform.cli.access.users import log_out

    raise typer.Exit(log_out(name, as_json=as_json))


@user_commands.command("remove")
def user_remove(name: OneUser, as_json: AsJson = False) -> None:
    """Remove a person with all sessions and links. The audit log keeps what the person did."""
    from sync_platform.cli.access.users import remove_user

    raise typer.Exit(remove_user(name, as_json=as_json))


@user_commands.command("list")
def user_list(as_json: AsJson = False) -> None:
    """List all people who may log in."""
    from sync_platform.cli.access.users import list_users

    raise typer.Exit(list_users(as_json=as_json))
