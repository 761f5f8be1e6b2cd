"""Secrets in an image: forms of keys and tokens, and values that the builder of the image knows, in every layer.

What belongs here: what a secret looks like, and which files are scanned. A file of a locked package, as its wheel has
it, is public: it is not scanned, nor what was compiled from it.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping

from sync_platform_tests.image.image_archive import ImageArchive

FORMS = {
    "private key": rb"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----\s+[A-Za-z0-9+/]{20}",
    "access key of AWS": rb"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b",
    "token of GitHub": rb"\bgh[pousr]_[A-Za-z0-9]{36}\b",
    "token of Slack": rb"\bxox[abprs]-[A-Za-z0-9-]{20,}",
    "token of PyPI": rb"\bpypi-AgEI[A-Za-z0-9_-]{20,}",
    "token of the API": rb"\bsp_[A-Za-z0-9_-]{40,}",
    "JSON web token": rb"\beyJ[A-Za-z0-9_-]{15,}\.eyJ[A-Za-z0-9_-]{15,}\.[A-Za-z0-9_-]{15,}",
    "password in an address": rb"\b[a-z][a-z0-9+]{2,20}://[A-Za-z0-9_.-]+:(?!password@)[A-Za-z0-9_+=-]{8,}@[A-Za-z0-9]",
}
FORM = re.compile(b"|".join(b"(?P<f%d>%s)" % (number, form) for number, form in enumerate(FORMS.values())))
NAMES = tuple(FORMS)
TELLING = re.compile(r"(?i)secret|password|passwd|token|_key$|api_?key|credential")
"""Names of environment variables whose values are secrets."""
SHORTEST = 8
"""A shorter value is found by chance."""


def known_secrets(variables: Mapping[str, str]) -> dict[str, bytes]:
    """The values of variables that are secrets by their names."""
    found = {name: value.encode() for name, value in variables.items() if TELLING.search(name)}
    return {name: value for name, value in found.items() if len(value) >= SHORTEST and not value.startswith(b"/")}


def secrets_in(image: ImageArchive, known: Mapping[str, bytes]) -> list[str]:
    """Where a secret is: `PATH: KIND`. The message does not contain the secret."""
    public = _public_files(image)
    found = []
    for path, content in image.files():
        if public.get(path) == hashlib.sha256(content).digest() or _is_compiled_of(path, public):
            continue
        found += [f"{path}: {kind}" for kind in _kinds(content, known)]
    configuration = repr(image.document).encode()
    return found + [f"configuration and history: {kind}" for kind in _kinds(configuration, known)]


def _kinds(content: bytes, known: Mapping[str, bytes]) -> Iterator[str]:
    kinds = {NAMES[int(str(match.lastgroup)[1:])] for match in FORM.finditer(content)}
    yield from sorted(kinds)
    yield from (f"the value of {name}" for name, value in known.items() if value in content)


def _public_files(image: ImageArchive) -> dict[str, bytes]:
    """The SHA-256 of each file of each installed package but the program itself, by its path."""
    found: dict[str, bytes] = {}
    for path, content in image.files():
        folder, _, name = path.rpartition("/")
        if name == "RECORD" and folder.endswith(".dist-info") and "/sync_platform-" not in folder:
            found |= _recorded(folder.rpartition("/")[0], content.decode().splitlines())
    return found


def _recorded(folder: str, lines: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    for file, digest, _ in csv.reader(lines):
        if digest.startswith("sha256="):
            yield f"{folder}/{file}", base64.urlsafe_b64decode(digest.removeprefix("sha256=") + "=")


def _is_compiled_of(path: str, public: Mapping[str, bytes]) -> bool:
    """Whether a file was compiled from one of these."""
    source, is_compiled = re.subn(r"/__pycache__/([^/]+)\.cpython-\d+\.pyc$", r"/\1.py", path)
    return bool(is_compiled) and source in public
