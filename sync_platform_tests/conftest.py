"""What every test may ask for: the real servers, and installations on them.

Imported by name: `pytest_plugins` is refused in a conftest that `pytest .` does not find first.
"""

from sync_platform_tests.installations import installation
from sync_platform_tests.services import postgres_server, pytest_terminal_summary, s3_server
from sync_platform_tests.spread import pytest_xdist_make_scheduler

__all__ = ["installation", "postgres_server", "pytest_terminal_summary", "pytest_xdist_make_scheduler", "s3_server"]
