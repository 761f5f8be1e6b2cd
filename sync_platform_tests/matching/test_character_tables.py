"""The shipped tables of characters are those of OpenCC and ToJyutping.

`python -m sync_platform_tests.matching.test_character_tables` writes the files anew. Another version of these packages
may give other tables: then the keys of stored linkages no longer agree with those of new listings, and a new model is
needed.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import ToJyutping
from opencc import OpenCC

from sync_platform.matching import character_tables
from sync_platform.matching.character_tables import cantonese_readings, simplified_characters

_COMMON = "".join(map(chr, range(0x4E00, 0xA000)))
_RARE = "".join(map(chr, range(0x3400, 0x4DC0)))
_SOURCES = {
    "simplified_characters.txt": "# Simplified characters by OpenCC (t2s), Copyright BYVoid, Apache License 2.0\n",
    "cantonese_readings.txt": "# Readings by ToJyutping, Copyright (c) 2024 CanCLID, BSD 2-Clause License\n",
}


def test_simplified_characters_are_those_of_opencc():
    assert simplified_characters() == simplified_by_opencc()


def test_cantonese_readings_are_those_of_tojyutping():
    assert cantonese_readings() == readings_of_tojyutping()


def test_each_file_names_its_source_and_is_in_order():
    for name, source in _SOURCES.items():
        text = (Path(character_tables.__file__).parent / name).read_text(encoding="utf-8")
        assert text == source + "".join(sorted(text.splitlines(keepends=True)[1:]))


def simplified_by_opencc() -> dict[str, str]:
    pairs = zip(_RARE + _COMMON, OpenCC("t2s").convert(_RARE + _COMMON), strict=True)
    return {old: new for old, new in pairs if old != new and ord(new) <= 0xFFFF}


def readings_of_tojyutping() -> dict[str, str]:
    """The readings without tones; a simplified character has that of the traditional one."""
    found = {}
    for character, traditional in zip(_COMMON, OpenCC("s2t").convert(_COMMON), strict=True):
        jyutping = ToJyutping.get_jyutping_list(traditional)[0][1] or ToJyutping.get_jyutping_list(character)[0][1]
        if jyutping:
            found[character] = jyutping.split()[0].rstrip("123456")
    return found


def _write(name: str, values: dict[str, str]) -> None:
    characters = defaultdict(str)
    for character, value in values.items():
        characters[value] += character
    lines = sorted(f"{value} {of_value}\n" for value, of_value in characters.items())
    (Path(character_tables.__file__).parent / name).write_text(_SOURCES[name] + "".join(lines), encoding="utf-8")


if __name__ == "__main__":
    _write("simplified_characters.txt", simplified_by_opencc())
    _write("cantonese_readings.txt", readings_of_tojyutping())
