"""The chart in a real API server of Kubernetes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sync_platform_tests.infrastructure.cluster.control_plane import ControlPlane, running_control_plane
from sync_platform_tests.infrastructure.cluster.earlier_chart import earlier_manifest

pytestmark = pytest.mark.full


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A control plane with the objects of the plain manifest."""
    with running_control_plane(tmp_path_factory.mktemp("cluster")) as plane:
        api = plane.api()
        for each in earlier_manifest():
            api.create(each)
        yield plane


def test_every_object_of_the_plain_manifest_is_accepted(plane: ControlPlane) -> None:
    for each in earlier_manifest():
        namespace = each["metadata"].get("namespace", "")
        assert plane.api().found(each["kind"], each["metadata"]["name"], namespace) is not None
