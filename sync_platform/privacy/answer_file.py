"""The file of an answer to an access request: its page and its JSON in a ZIP, encrypted to a passphrase.

Nothing of the answer is ever on disk in clear: the ZIP is made in memory.
"""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

from sync_platform.errors import UsageError
from sync_platform.vault.passphrase_file import decrypted, encrypted

PAGE, DATA = "answer.html", "answer.json"
FILES = (PAGE, DATA)


def write_answer_file(path: Path, page: str, data: str, passphrase: str) -> None:
    """Write the encrypted file, readable for its owner only. UsageError where it exists, or cannot be written."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(PAGE, page)
        archive.writestr(DATA, data)
    write_new_file(path, encrypted(packed.getvalue(), passphrase))


def read_answer_file(path: Path, passphrase: str) -> dict[str, str]:
    """The page and the JSON by name. UsageError for another passphrase, and for a file that is none."""
    try:
        body = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}") from None
    try:
        with zipfile.ZipFile(io.BytesIO(decrypted(body, passphrase))) as archive:
            return {name: archive.read(name).decode() for name in FILES}
    except (zipfile.BadZipFile, KeyError):
        raise UsageError(f"{path} is no answer to an access request") from None


def write_new_file(path: Path, body: bytes) -> None:
    """Write a file that did not exist, readable for its owner only; UsageError where that fails."""
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(body)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror or error}") from None
