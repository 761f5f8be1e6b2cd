"""Lake harnesses for properties: as in the tests of the lake."""

from sync_platform_tests.lake.conftest import new_harness

__all__ = ["new_harness"]
