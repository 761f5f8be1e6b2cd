"""The stores in which a person is looked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sync_platform.privacy.privacy_request import PrivacyRequest
from sync_platform.sources.columns import declared_columns
from sync_platform.sources.declaration import Dataset, Platform
from sync_platform.storage.lake_connection import Lake
from sync_platform.storage.object_store import ObjectStore
from sync_platform.vault.seal import Vault


@dataclass(frozen=True)
class SearchedInstallation:
    """`lake`: None where no sync has made one yet. `open_landing`: opens the landing store; a search needs none.

    `history`: the name of the table of changes. `requests`: the privacy requests, whose corrections an answer shows.
    """

    vault: Vault
    lake: Lake | None
    open_landing: Callable[[], ObjectStore]
    history: str
    platforms: Mapping[str, Platform]
    requests: Sequence[PrivacyRequest] = ()

    def personal_datasets(self) -> Iterator[tuple[Platform, Dataset]]:
        """The datasets with personal fields."""
        for platform in self.platforms.values():
            for dataset in platform.datasets:
                if dataset.personal is not None and dataset.personal.fields:
                    yield platform, dataset


def sealed_paths(dataset: Dataset) -> dict[str, str]:
    """By sealed column, the field of the record that it comes from. Those that name the person come first."""
    named_by = dataset.personal.subject if dataset.personal else ()
    fields = {column.name: column.sent.paths[0] for column in declared_columns(dataset.row) if column.meaning.sealed}
    return dict(sorted(fields.items(), key=lambda field: field[1] not in named_by))


def contexts_of(platform: Platform, dataset: Dataset) -> list[str]:
    """The names under which values of the dataset are sealed."""
    paths = dict.fromkeys([*sealed_paths(dataset).values(), *(dataset.personal.fields if dataset.personal else ())])
    return [f"{platform.name}.{path}" for path in paths]
