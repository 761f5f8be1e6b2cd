"""The message about an asset that is not among the loaded definitions.

Dagster looks an asset up by its key and fails with KeyError: when the code server has lost or not yet loaded the
definitions, and when a page of an earlier version names an asset that is gone.
"""

from __future__ import annotations

import re

KEY_ERROR = re.compile(r"(?:KeyError: )?AssetKey\(\[(.*)\]\)\s*", re.DOTALL)
"""The message of a KeyError, as an exception and as Dagster's PythonError has it."""


def in_words(message: str) -> str:
    """The message of an error; one about an asset that is not found says what that means and what to do."""
    found = KEY_ERROR.fullmatch(message)
    if found is None:
        return message
    name = "/".join(re.findall(r"'([^']*)'", found[1]))
    return (
        f"the asset {name} is not among the definitions that are loaded now: open the page again in a minute; "
        "/readyz says whether the code server has them"
    )
