"""`sync-platform`: all commands, and the one place where an error becomes a message and an exit code."""

from __future__ import annotations

import contextlib
import errno
import gc
import logging
import os
import signal
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from sync_platform import __version__
from sync_platform.cli.access.commands import token_commands, user_commands
from sync_platform.cli.backup.commands import backup_commands
from sync_platform.cli.compliance.commands import report_commands
from sync_platform.cli.emergency.commands import emergency_commands
from sync_platform.cli.exit_codes import BAD_USAGE, CANCELLED_IN_WORDS, FAILED, INTERRUPTED, OK
from sync_platform.cli.lineage.commands import changes, lineage_commands
from sync_platform.cli.matching.commands import match_commands
from sync_platform.cli.monitoring.alerts_commands import alert_commands
from sync_platform.cli.monitoring.commands import anomalies, freshness, health, watch
from sync_platform.cli.monitoring.metrics_commands import metrics_commands
from sync_platform.cli.operations.commands import (
    attach,
    audit,
    maintain,
    migrate,
    platforms,
    query,
    sandbox,
    serve,
    status,
    tables,
)
from sync_platform.cli.privacy.commands import privacy_commands
from sync_platform.cli.quality.commands import check, quality, quarantine_commands
from sync_platform.cli.retention.commands import retention_commands
from sync_platform.cli.standard_streams import prepare_standard_streams
from sync_platform.cli.syncing.commands import backfill, sync, unify
from sync_platform.cli.vault.commands import vault_commands
from sync_platform.documents.typed_command import program
from sync_platform.errors import OutputFailed, SettingsError, SyncError, UsageError
from sync_platform.logs.line_handler import LoggedStream

HELP_NAMES = ["-h", "--help"]
HELP = {*HELP_NAMES, "--version"}
PREFIX = "Value error, "
"""Stands before the messages of typer about a wrong choice, which say it already."""


class Commands(TyperGroup):
    """All commands, with plain messages about wrong values, and flags whose help names no type of a value."""

    def make_context(self, *arguments: Any, **settings: Any) -> Any:
        _hide_types_of_flags(self, typer.Context(self, help_option_names=HELP_NAMES))
        return super().make_context(*arguments, **settings)

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            error.message = error.message.removeprefix(PREFIX)
            raise


def _hide_types_of_flags(command: Any, context: typer.Context) -> None:
    """Leave out `<bool>` beside the flags of a command and of those below it: it reads as if a value were expected."""
    for parameter in command.get_params(context):
        if getattr(parameter, "is_flag", False) and parameter.metavar is None:
            parameter.metavar = ""
    for each in getattr(command, "commands", {}).values():
        _hide_types_of_flags(each, context)


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": HELP_NAMES},
    help="Hong Kong's restaurant data, kept in sync across eight platforms, with proof.\n\n"
    "Without settings, platforms are fetched from a built-in sandbox. All state is in SYNC_HOME (./.sync).",
)
for command in (
    sync,
    unify,
    backfill,
    changes,
    quality,
    check,
    maintain,
    migrate,
    query,
    attach,
    tables,
    status,
    health,
    freshness,
    watch,
    anomalies,
    audit,
    platforms,
    sandbox,
    serve,
):
    app.command()(command)
GROUPS = {
    "alerts": alert_commands,
    "emergency": emergency_commands,
    "match": match_commands,
    "quarantine": quarantine_commands,
    "lineage": lineage_commands,
    "report": report_commands,
    "backup": backup_commands,
    "vault": vault_commands,
    "privacy": privacy_commands,
    "metrics": metrics_commands,
    "retention": retention_commands,
    "token": token_commands,
    "user": user_commands,
}
for name, group in GROUPS.items():
    names = [each.name for each in group.registered_commands if not each.hidden]
    names += [each.name for each in group.registered_groups]
    listed = ", ".join(map(str, names))
    app.add_typer(group, name=name, help=f"{group.info.help} Subcommands: {listed}.")


def _show_version(is_asked: bool) -> None:
    if is_asked:
        sys.stdout.write(f"sync-platform {__version__}\n")
        raise typer.Exit


@app.callback()
def before_commands(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_show_version, help="Show the version, and end.")
    ] = False,
) -> None: ...


def main() -> None:
    """The console script."""
    prepare_standard_streams()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what systemd, Docker or `timeout` ends is interrupted
    if _may_ask_for_log_lines():
        from sync_platform.logs.configuration import begin_logging  # it reads settings, which takes a third of a second

        begin_logging()
    code = run(sys.argv[1:])
    gc.freeze()  # else the collector visits every object once more at the end: 3 s after 100,000 listings were matched
    sys.exit(code)


def _may_ask_for_log_lines() -> bool:
    """False where no setting of log lines can be set."""
    return bool({"LOG_FORMAT", "LOG_LEVEL"} & {name.upper() for name in os.environ}) or Path(".env").exists()


def run(arguments: list[str]) -> int:
    """Run one command. Returns its exit code; an expected error becomes one message on standard error."""
    try:
        code = _outcome(arguments)
        sys.stdout.flush()
    except OutputFailed as error:
        return _problem(str(error), FAILED)
    except SystemExit as ended:  # the reader of standard output has gone
        return int(ended.code or OK)
    return code


def _outcome(arguments: list[str]) -> int:
    try:
        if arguments and not HELP & set(arguments):
            _require_private_key_files()
        app(arguments, prog_name=program())
    except SystemExit as ended:
        if _is_interruption(ended):
            return _problem(CANCELLED_IN_WORDS, INTERRUPTED)
        _log_usage_error(ended)
        return int(ended.code or OK)
    except UsageError as error:
        return _problem(str(error), BAD_USAGE)
    except OutputFailed:
        raise
    except SyncError as error:
        return _problem(str(error), FAILED)
    except OSError as error:
        return _problem(_storage_message(error), FAILED)
    except Exception as error:  # a library may turn Ctrl-C into an error of its own, as DuckDB does
        if _is_interruption(error):
            return _problem(CANCELLED_IN_WORDS, INTERRUPTED)
        if isinstance(error, UnicodeEncodeError | TypeError) and (wrong := _not_utf8(arguments)):
            return _problem(f"{wrong} is no text in UTF-8", BAD_USAGE)
        raise
    return OK


def _not_utf8(arguments: list[str]) -> str | None:
    """The first argument with bytes that are not UTF-8, as escapes. Such a name of a file is used as it is."""
    written = {each: each.encode(errors="backslashreplace").decode() for each in arguments}
    return next((shown for each, shown in written.items() if shown != each), None)


def _require_private_key_files() -> None:
    """StorageError if others can read a key file, before any command does anything. Help and completion still work."""
    from sync_platform.settings import load_settings
    from sync_platform.vault.key_file import require_private_key_files

    with contextlib.suppress(SettingsError):  # a command that needs settings reports it
        require_private_key_files(load_settings())


def _is_interruption(ended: BaseException) -> bool:
    """True if Ctrl-C ended a command that wrote no message itself: typer turns that into an exit without a message."""
    cause = ended.__cause__ or ended.__context__
    return cause is not None and (isinstance(cause, KeyboardInterrupt) or _is_interruption(cause))


def _log_usage_error(ended: SystemExit) -> None:
    """Log a wrong option or command as an error, where typer's message for people was logged as lines of text."""
    if isinstance(sys.stderr, LoggedStream) and isinstance(ended.__context__, TyperException):
        _problem(str(ended.__context__), BAD_USAGE)


def _problem(message: str, code: int) -> int:
    from sync_platform.cli.output import report_problem  # the import takes a moment, and most commands need none

    report_problem(message, logging.ERROR)
    return code


def _storage_message(error: OSError) -> str:
    where = f" ({error.filename})" if error.filename else ""
    if error.errno == errno.ENOSPC:
        return f"the disk is full{where}: free some space and run it again; nothing is half-written"
    if error.errno == errno.EROFS:
        from sync_platform.storage.full_disk import READ_ONLY_ADVICE

        return f"{error.strerror}{where}: {READ_ONLY_ADVICE}"
    return f"{error.strerror or error}{where}"
