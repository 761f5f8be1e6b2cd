"""The extent of an erasure before it is asked for: the person's data subjects, their rows, and their legal holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sync_platform.errors import UsageError
from sync_platform.lake.subject_rows import SubjectRows
from sync_platform.privacy.erasure import ErasedInstallation
from sync_platform.privacy.erasure_subjects import find_subjects, other_subjects
from sync_platform.privacy.legal_holds import LegalHold
from sync_platform.vault.erased_values import erased_subjects


@dataclass(frozen=True)
class ErasureExtent:
    """What an erasure would reach. `others`: data subjects of the same person that were not named.

    `is_erased`: every one of them is erased already, and no erasure of them is open.
    """

    named: tuple[str, ...]
    others: tuple[str, ...]
    tables: tuple[SubjectRows, ...]
    holds: tuple[LegalHold, ...]
    is_erased: bool

    @property
    def subjects(self) -> tuple[str, ...]:
        return (*self.named, *self.others)

    def document(self) -> dict[str, Any]:
        return {
            "data_subjects": list(self.subjects),
            "tables": [asdict(each) for each in self.tables],
            "holds": [each.document() for each in self.holds],
            "is_erased": self.is_erased,
        }


def find_extent(installation: ErasedInstallation, named: Sequence[str]) -> ErasureExtent:
    """The extent of the erasure of one person, who may be named several times (`PLATFORM:ID` or a data subject id).

    UsageError where nobody, or where more than one data subject answers to a name: then each is named by its id.
    """
    vault = installation.keys.vault
    subjects: set[str] = set()
    for each in named:
        found = find_subjects(vault, installation.platforms, each)
        if len(found) > 1:
            raise UsageError(f"{each!r} may be {len(found)} persons: choose one by its id, {' or '.join(found)}")
        subjects |= set(found)
    others, tables = set[str](), list[SubjectRows]()
    if installation.lake is not None:
        with installation.lake.session() as session:
            others = other_subjects(session, vault, installation.platforms, subjects)
            tables = installation.places.rows_of(session, subjects | others)
    active = [each for each in installation.holds.of([*subjects, *others]) if each.is_active(installation.ledger.now())]
    open_subjects = {subject for each in installation.ledger.erasures() if each.is_due for subject in each.subjects}
    return ErasureExtent(
        tuple(sorted(subjects)),
        tuple(sorted(others)),
        tuple(tables),
        tuple(active),
        subjects | others <= erased_subjects(vault.engine) - open_subjects,
    )
