"""The passphrase of an encrypted file: from a file, from standard input, or typed without being shown."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path

from sync_platform.errors import UsageError


def read_passphrase(file: str | None, *, is_new: bool) -> str:
    """The passphrase; a new one is typed twice. UsageError where there is none."""
    if file is not None:
        return _first_line(file)
    if not sys.stdin.isatty():
        raise UsageError("a passphrase is needed: give --passphrase-file FILE, or `-` for standard input")
    typed = getpass.getpass("Passphrase: ")
    if is_new and getpass.getpass("The same passphrase again: ") != typed:
        raise UsageError("the two passphrases differ")
    return typed


def _first_line(file: str) -> str:
    try:
        text = sys.stdin.readline() if file == "-" else Path(file).read_text().partition("\n")[0]
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--passphrase-file {file}: it cannot be read: {error}") from None
    if not text.strip():
        raise UsageError(f"--passphrase-file {file}: its first line is empty")
    return text.rstrip("\r\n")
