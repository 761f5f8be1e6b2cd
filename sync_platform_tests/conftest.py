"""What every test may ask for: the real servers, and installations on them.

Imported by name: `pytest_plugins` is refused in a conftest that `pytest .` does not find first.
"""

from sync_platform_tests.installations import installation
from sync_platform_tests.services import postgres_server, pytest_terminal_summary, s3_server

__all__ = ["installation", "postgres_server", "pytest_terminal_summary", "s3_server"]
