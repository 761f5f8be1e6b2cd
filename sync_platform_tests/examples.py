"""How many examples a property is tried on: few in the suite, whose every run draws others; many by hand.

HYPOTHESIS_PROFILE=thorough pytest sync_platform_tests/lake/test_splice.py   # twenty times as many
"""

from __future__ import annotations

import os

MORE = {"": 1, "thorough": 20}


def examples(usual: int) -> int:
    """The usual number of the test, or as many as the profile asks for."""
    return usual * MORE[os.environ.get("HYPOTHESIS_PROFILE", "")]
