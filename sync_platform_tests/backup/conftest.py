"""Lake harnesses for properties, as in the tests of the lake; and a home of one small platform with a backup."""

import pytest

from sync_platform_tests.backup.diner_home import Template, diner_home
from sync_platform_tests.lake.conftest import new_harness

__all__ = ["new_harness"]


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """A home with a backup and a newer sync; a test takes `template.restore()`."""
    return Template(diner_home(tmp_path_factory.mktemp("diner")))
