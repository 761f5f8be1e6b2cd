"""`sync-platform privacy open`: shows the encrypted answer to an access request, or writes it in clear for delivery."""

from __future__ import annotations

import sys
from pathlib import Path

from sync_platform.cli.audited import audited
from sync_platform.cli.exit_codes import OK
from sync_platform.cli.output import write_line
from sync_platform.cli.privacy.operator import require_operator
from sync_platform.cli.privacy.passphrase import read_passphrase
from sync_platform.errors import UsageError
from sync_platform.permissions.action import Action
from sync_platform.privacy.answer_file import DATA, PAGE, read_answer_file, write_new_file
from sync_platform.settings import load_settings
from sync_platform.storage.operation_name import OperationName


def show_answer(file: Path, out: str, passphrase_file: str | None, *, as_html: bool, as_json: bool) -> int:
    """Show or write the answer; 0. UsageError for a wrong passphrase or a changed file."""
    if as_html and as_json:
        raise UsageError("--html and --json: one of the two")
    settings = load_settings()
    require_operator(settings, Action.unseal_for_access)
    passphrase = read_passphrase(passphrase_file, is_new=False)
    with audited(settings, OperationName.open_answer, {"file": file.name, "in_clear_to": out}) as operation:
        answer = read_answer_file(file, passphrase)
        if out:
            _write(Path(out), answer)
        else:
            sys.stdout.write(answer[PAGE if as_html else DATA].rstrip("\n") + "\n")
        operation.ended("complete")
    return OK


def _write(folder: Path, answer: dict[str, str]) -> None:
    if not folder.is_dir():
        raise UsageError(f"--out {folder}: there is no such folder")
    for name, text in answer.items():
        write_new_file(folder / name, text.encode())
        write_line(f"{folder / name} is in clear: delete it when it is delivered")
