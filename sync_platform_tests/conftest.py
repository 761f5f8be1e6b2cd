"""Fixtures of every test: real servers, installations on them, and the option `--full`.

They are imported here, because pytest refuses `pytest_plugins` in a conftest that is not at its root.
"""

import pytest
from hypothesis import settings

from sync_platform_tests.extent import leave_out_full, pytest_addoption, pytest_configure
from sync_platform_tests.installations import installation, pytest_generate_tests
from sync_platform_tests.redis_servers import redis_server
from sync_platform_tests.services import other_s3_server, postgres_server, pytest_terminal_summary, s3_server
from sync_platform_tests.spread import put_long_files_first, pytest_xdist_make_scheduler
from sync_platform_tests.sqlite_locks import refuse_to_take_locks_away
from sync_platform_tests.temporary_files import keep_in_memory

__all__ = [
    "installation",
    "other_s3_server",
    "postgres_server",
    "pytest_addoption",
    "pytest_configure",
    "pytest_generate_tests",
    "pytest_terminal_summary",
    "pytest_xdist_make_scheduler",
    "redis_server",
    "s3_server",
]

keep_in_memory()
refuse_to_take_locks_away()
settings.register_profile("busy machine", deadline=None)  # how long an example takes says nothing where others run too
settings.load_profile("busy machine")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    leave_out_full(config, items)
    put_long_files_first(items)
