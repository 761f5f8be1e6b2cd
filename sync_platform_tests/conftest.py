"""What every test may ask for: the real servers.

Imported by name: `pytest_plugins` is refused in a conftest that `pytest .` does not find first.
"""

from sync_platform_tests.services import postgres_server, pytest_terminal_summary, s3_server

__all__ = ["postgres_server", "pytest_terminal_summary", "s3_server"]
