"""A scanner that looks for texts in any bytes, in constant memory, and in what is packed in them.

It opens gzip, Zstandard, bzip2, xz, zip, Parquet and SQLite, also inside each other. What it cannot open, because it is
encrypted or damaged, is searched as it is and listed in `unopened`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import polars as pl

from sync_platform_tests.planted.byte_forms import byte_forms, is_in_any_case
from sync_platform_tests.planted.containers import CONTAINERS, HEAD_BYTES, Content

BLOCK_BYTES = 1 << 20
DEEPEST = 4
"""How many containers inside each other are opened."""


@dataclass(frozen=True)
class Hit:
    """A text that was found: where (`file!table` for a container's content), which one, and in which form."""

    where: str
    text: str
    form: str


@dataclass
class ByteScan:
    """Looks for the texts. `files`, `bytes`: what was read until now. `unopened`: what could not be unpacked."""

    texts: Sequence[str]
    files: int = 0
    bytes: int = 0
    unopened: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._forms = {form: (text, name) for text in self.texts for form, name in byte_forms(text).items()}
        self._overlap = max(map(len, self._forms)) - 1
        self._any_form = [form.decode("latin-1") for form in self._forms]

    def in_folder(self, folder: Path) -> Iterator[Hit]:
        """The hits in every file below a folder, and in the names of files."""
        for path in sorted(folder.rglob("*")):
            yield from self.in_bytes(f"the name of {path}", str(path.relative_to(folder)).encode())
            if path.is_file() and not path.is_symlink():
                self.files += 1
                yield from self.in_content(Content(str(path), path=path))

    def in_bytes(self, name: str, data: bytes) -> Iterator[Hit]:
        """The hits in bytes, such as the output of a process or an object of a bucket."""
        yield from self.in_content(Content(name, data=data))

    def in_content(self, content: Content, depth: int = 0) -> Iterator[Hit]:
        """The hits in a content as it is, and in what it packs."""
        with content.opened() as stream:
            yield from self._in_stream(content.name, stream)
        if depth == DEEPEST:
            return
        with content.opened() as stream:
            head = stream.read(HEAD_BYTES)
        for magic, unpack in CONTAINERS.items():
            if head.startswith(magic):
                try:
                    for inner in unpack(content):
                        yield from self.in_content(inner, depth + 1)
                except Exception as error:  # whatever a library says of damaged or encrypted bytes
                    self.unopened.append(f"{content.name}: {error}")

    def _in_stream(self, name: str, stream: BinaryIO) -> Iterator[Hit]:
        hits: set[Hit] = set()
        tail = b""
        while block := stream.read(BLOCK_BYTES):
            self.bytes += len(block)
            window = tail + block
            if self._may_have_any(window):
                new = {hit for hit in self._in_window(name, window) if hit not in hits}
                hits |= new
                yield from new
            tail = window[-self._overlap :]

    def _in_window(self, name: str, window: bytes) -> Iterator[Hit]:
        small = window.lower()
        for form, (text, form_name) in self._forms.items():
            if form in (small if is_in_any_case(form_name) else window):
                yield Hit(name, text, form_name)

    def _may_have_any(self, window: bytes) -> bool:
        """False for most windows: one look for all forms at once, in any case, takes a tenth of the time."""
        text = pl.Series([window.decode("latin-1")])
        return bool(text.str.contains_any(self._any_form, ascii_case_insensitive=True)[0])
