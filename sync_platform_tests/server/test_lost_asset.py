"""An asset that is not among the loaded definitions is named in words: Dagster answers the key of its dictionary."""

from __future__ import annotations

import pytest

from sync_platform.permissions.role import Role
from sync_platform.server.dagster_ui.lost_asset import in_words
from sync_platform_tests.server.conftest import GRAPHQL, TestedServer


def test_an_asset_that_is_not_loaded_is_named_in_words(server: TestedServer) -> None:
    query = '{ assetNodeAdditionalRequiredKeys(assetKeys: [{path: ["chope", "restaurants"]}]) { path } }'
    answer = server.client(Role.viewer).post(GRAPHQL, json={"query": query})
    (error,) = answer.json()["errors"]
    assert answer.status_code == 200
    assert error["message"].startswith("the asset chope/restaurants is not among the definitions that are loaded now")


@pytest.mark.parametrize("message", ["AssetKey(['a', 'b'])", "KeyError: AssetKey(['a', 'b'])\n"])
def test_both_forms_of_the_error_are_known(message: str) -> None:
    assert in_words(message).startswith("the asset a/b is not among")


@pytest.mark.parametrize("message", ["KeyError: 'x'", "AssetKey", "no AssetKey(['a']) here", ""])
def test_other_messages_stay_as_they_are(message: str) -> None:
    assert in_words(message) == message
