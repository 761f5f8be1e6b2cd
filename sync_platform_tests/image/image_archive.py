"""An image as `docker save`, `podman save` or `buildah push docker-archive:` write it: its configuration and layers.

What belongs here: reading the archive, and laying its layers over each other. What must be true of it belongs in tests.
"""

from __future__ import annotations

import shutil
import tarfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, cast

import orjson

WHITEOUT = ".wh."
"""The beginning of the name of an empty file that says that a lower layer's file of this name is deleted."""


@dataclass(frozen=True)
class ImageArchive:
    """An image in a file."""

    file: Path

    @cached_property
    def _manifest(self) -> dict[str, Any]:
        (manifest,) = orjson.loads(self._content("manifest.json"))
        return dict(manifest)

    @cached_property
    def document(self) -> dict[str, Any]:
        """The whole configuration: `config`, `history`, `rootfs`."""
        return dict(orjson.loads(self._content(self._manifest["Config"])))

    @property
    def config(self) -> dict[str, Any]:
        """How a container is started, with keys as `User` and `Env`."""
        return dict(self.document["config"])

    def layers(self) -> Iterator[tarfile.TarFile]:
        """Each layer, the lowest first."""
        with tarfile.open(self.file) as archive:
            for name in self._manifest["Layers"]:
                content = archive.extractfile(name)
                assert content is not None, name
                with tarfile.open(fileobj=cast(BinaryIO, content)) as layer:
                    yield layer

    @cached_property
    def members(self) -> dict[str, tarfile.TarInfo]:
        """Everything that a container sees, by its path from the root."""
        found: dict[str, tarfile.TarInfo] = {}
        for layer in self.layers():
            for member in layer:
                path = path_of(member)
                folder, _, name = path.rpartition("/")
                if name.startswith(WHITEOUT):
                    _remove(found, f"{folder}/{name.removeprefix(WHITEOUT)}")
                else:
                    found[path] = member
        return found

    def files(self) -> Iterator[tuple[str, bytes]]:
        """The path and the content of each file of each layer, also of one that a higher layer hides."""
        for layer in self.layers():
            for member in layer:
                if member.isfile():
                    with closing(cast(BinaryIO, layer.extractfile(member))) as content:
                        yield path_of(member), content.read()

    def unpack(self, folder: Path) -> None:
        """Write what a container sees into an empty folder, with owners and modes; only root can."""
        for layer in self.layers():
            for member in layer:
                name = Path(member.name).name
                if name.startswith(WHITEOUT):
                    hidden = folder / Path(member.name).with_name(name.removeprefix(WHITEOUT))
                    shutil.rmtree(hidden) if hidden.is_dir() and not hidden.is_symlink() else hidden.unlink()
                elif not member.isdev():
                    layer.extract(member, folder, numeric_owner=True, filter="fully_trusted")

    def _content(self, name: str) -> bytes:
        with tarfile.open(self.file) as archive:
            content = archive.extractfile(name)
            assert content is not None, name
            return content.read()


def path_of(member: tarfile.TarInfo) -> str:
    return "/" + member.name.removeprefix("./").strip("/")


def _remove(found: dict[str, tarfile.TarInfo], path: str) -> None:
    for each in [each for each in found if each == path or each.startswith(f"{path}/")]:
        del found[each]
