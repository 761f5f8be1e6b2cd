"""A platform file names only the columns of its related records that have another name in the shared table."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sync_platform.errors import UsageError
from sync_platform.platforms.bistrochat import Bistrochat
from sync_platform.sources.declaration import Attachment, Platform
from sync_platform.unified.related_records import related_datasets


def with_posts_attached(attachment: Attachment) -> dict[str, Platform]:
    class Changed(Bistrochat):
        datasets = tuple(replace(each, attached=attachment) for each in Bistrochat.datasets if each.name == "posts")

    return {"bistrochat": Changed()}


def test_a_column_that_is_not_named_is_the_datasets_column_of_that_name() -> None:
    (posts,) = related_datasets({"bistrochat": Bistrochat()}, "posts")
    assert posts.reference == "restaurant_id"
    assert posts.columns == {
        "channel": "channel",
        "author": "author_name",
        "text": "text",
        "language": "language",
        "likes": "like_count",
        "posted_at": "posted_at",
    }


def test_a_column_that_neither_names_stays_empty() -> None:
    (posts,) = related_datasets(with_posts_attached(Attachment("posts")), "posts")
    assert posts.columns.keys() == {"channel", "text", "language", "posted_at"}


def test_a_column_that_the_shared_table_does_not_have_is_refused() -> None:
    with pytest.raises(UsageError, match="no columns but author, channel, language, likes, posted_at, text"):
        related_datasets(with_posts_attached(Attachment("posts", {"title": "text"})), "posts")
