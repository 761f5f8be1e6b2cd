"""The points of infrastructure/image/structure-test.yaml, judged on an image as container-structure-test does it.

What belongs here: the kinds of points that the file uses. A kind or key that is not known here is an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from sync_platform_tests.image.image_archive import ImageArchive

EXECUTABLE = {"any": 0o111, "owner": 0o100, "group": 0o010, "other": 0o001}
KINDS = {"schemaVersion", "metadataTest", "fileExistenceTests", "fileContentTests"}


def broken_points(document: dict[str, Any], image: ImageArchive) -> list[str]:
    """A sentence for each point that the image does not meet."""
    assert set(document) <= KINDS, set(document) - KINDS
    found = [*_metadata(dict(document["metadataTest"]), image)]
    for point in document["fileExistenceTests"]:
        found += _existence(dict(point), image)
    for point in document["fileContentTests"]:
        found += _content(dict(point), image)
    return found


def number_of_points(document: dict[str, Any]) -> int:
    return len(document["metadataTest"]) + len(document["fileExistenceTests"]) + len(document["fileContentTests"])


def _metadata(point: dict[str, Any], image: ImageArchive) -> Iterator[str]:
    config = image.config
    variables = dict(each.split("=", 1) for each in config.get("Env", []))
    for each in point.pop("envVars", []):
        if variables.get(each["key"]) != each["value"]:
            yield f"{each['key']} is {variables.get(each['key'])!r}, not {each['value']!r}"
    names = {"user": "User", "workdir": "WorkingDir", "entrypoint": "Entrypoint", "cmd": "Cmd"}
    for key, expected in point.items():
        actual = config.get(names[key]) or type(expected)()
        if actual != expected:
            yield f"{key} is {actual!r}, not {expected!r}"


def _existence(point: dict[str, Any], image: ImageArchive) -> Iterator[str]:
    name, path = point.pop("name"), point.pop("path")
    member = image.members.get(path)
    if point.pop("shouldExist") is not (member is not None):
        yield f"{name}: {path} is {'there' if member else 'missing'}"
    elif member:
        who = point.pop("isExecutableBy", None)
        if who and not member.mode & EXECUTABLE[who]:
            yield f"{name}: {path} is not executable by {who}"
        for key in ("uid", "gid"):
            if key in point and getattr(member, key) != point.pop(key):
                yield f"{name}: {path} has the {key} {getattr(member, key)}"
    assert not member or not point or set(point) <= {"uid", "gid"}, point


def _content(point: dict[str, Any], image: ImageArchive) -> Iterator[str]:
    contents = [content.decode() for path, content in image.files() if path == point["path"]]
    for expected in point["expectedContents"]:
        if not contents or not re.search(expected, contents[-1]):
            yield f"{point['name']}: {point['path']} has no {expected!r}"
