"""The extent of an erasure before it is asked for: the person's data subjects, their rows, and their legal holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sync_platform.errors import UsageError
from sync_platform.lake.subject_rows import SubjectRows
from sync_platform.privacy.erased_installation import ErasedInstallation
from sync_platform.privacy.erasure_subjects import find_subjects, other_subjects
from sync_platform.privacy.legal_holds import LegalHold
from sync_platform.privacy.person_question import PersonQuestion
from sync_platform.privacy.person_search import candidates
from sync_platform.privacy.searched_installation import SearchedInstallation
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


def find_extent(installation: ErasedInstallation, named: Sequence[str], question: PersonQuestion) -> ErasureExtent:
    """The extent of the erasure of one person.

    `named`: each is `PLATFORM:ID` or a data subject id. `question`: an address, a number, a handle or a name.
    UsageError where nobody, or where more than one person answers to one of them: then each is chosen by its id.
    """
    vault = installation.keys.vault
    subjects = {_require_one(each, find_subjects(vault, installation.platforms, each)) for each in named}
    if question.identifiers():
        subjects.add(_only_candidate(installation, question))
    if not subjects:
        raise UsageError("name the person: --subject, --email, --phone, --handle or --name")
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


def _require_one(named: str, candidate_ids: Sequence[str]) -> str:
    if len(candidate_ids) > 1:
        raise UsageError(
            f"{named!r} may be {len(candidate_ids)} persons: choose with --subject {' or '.join(candidate_ids)}"
        )
    return candidate_ids[0]


def _only_candidate(installation: ErasedInstallation, question: PersonQuestion) -> str:
    """The person whom the question finds; UsageError, which lists all, where it finds several, or nobody."""
    searched = SearchedInstallation(
        installation.keys.vault,
        installation.lake,
        lambda: installation.places.landing,
        installation.history,
        installation.platforms,
    )
    persons = candidates(searched, question)
    if not persons:
        raise UsageError("nobody is found: no personal value of such a person is stored")
    if len({each.subject_id for each in persons}) > 1:
        listed = "".join(
            f"\n  --subject {each.subject_id}  {each.platform}.{each.dataset}, {each.records:,} records, found by "
            f"{', '.join(each.found_by)}"
            for each in persons
        )
        raise UsageError(f"this may be several persons: choose those who are to be erased{listed}")
    return persons[0].subject_id
