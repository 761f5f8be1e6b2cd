"""`sync-platform privacy access`: lists candidates, and answers an access request.

What belongs here: who may ask, what is recorded of it, and where the answer goes. The answer is made in privacy/.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sync_platform.cli.audited import audited
from sync_platform.cli.exit_codes import BAD_USAGE, FAILED, OK
from sync_platform.cli.output import console, json_of, report_problem, showing_steps, write_document, write_json
from sync_platform.cli.privacy.access_request import AccessRequest
from sync_platform.cli.privacy.candidate_list import show_candidates
from sync_platform.cli.privacy.operator import require_operator
from sync_platform.cli.privacy.passphrase import read_passphrase
from sync_platform.documents.html import html_of
from sync_platform.documents.typed_command import typed
from sync_platform.errors import StorageError, UsageError
from sync_platform.permissions.action import Action
from sync_platform.platforms import load_platforms
from sync_platform.privacy.access import collect_answer
from sync_platform.privacy.access_answer import AccessAnswer
from sync_platform.privacy.access_answer_files import record_of
from sync_platform.privacy.access_document import access_document
from sync_platform.privacy.access_json import access_json
from sync_platform.privacy.answer_file import write_answer_file
from sync_platform.privacy.person_question import PersonQuestion
from sync_platform.privacy.person_search import Candidate, as_document, candidates
from sync_platform.privacy.privacy_request import PrivacyRequest
from sync_platform.privacy.request_register import opened_register
from sync_platform.privacy.searched_installation import SearchedInstallation
from sync_platform.settings import Settings, load_settings
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import Lake
from sync_platform.storage.object_store import ObjectStore
from sync_platform.storage.operation_name import OperationName
from sync_platform.storage.relational import database_exists
from sync_platform.vault.vault_address import VaultAddress

ALL = "all"


@dataclass(frozen=True)
class AskedAccess:
    """What an operator asks for. `chosen`: the ids of candidates, or `all`. `out`: the encrypted file; empty: none.

    `request`: the privacy request; None: a new one is recorded, with `identity` and `received`.
    """

    question: PersonQuestion
    chosen: Sequence[str]
    request: int | None
    identity: str
    received: str
    out: str
    passphrase_file: str | None


def give_access(asked: AskedAccess, *, list_only: bool, as_html: bool, as_json: bool) -> int:
    """List the candidates or give the answer; 1 where nobody is found, 2 where the operator has to choose, else 0."""
    settings = load_settings()
    actor = require_operator(settings, Action.unseal_for_access)
    _require_possible(asked, list_only=list_only, as_html=as_html, as_json=as_json)
    with _searched_installation(settings) as installation:
        found_persons = _find(settings, installation, asked.question)
        persons = [] if list_only else _chosen(found_persons, asked.chosen)
        if not persons:
            return _list(found_persons, list_only=list_only, as_json=as_json)
        passphrase = read_passphrase(asked.passphrase_file, is_new=True) if asked.out else ""
        request = AccessRequest.begun(
            settings.ledger_url, actor, asked.request, asked.identity, asked.received, persons
        )
        subject = {"request": request.number, "data_subjects": len({each.subject_id for each in persons})}
        with audited(settings, OperationName.access, subject) as operation:
            with showing_steps("reading") as show_step:
                answer = collect_answer(installation, persons, settings, show_step)
            _deliver(answer, asked.out, passphrase, as_html=as_html, as_json=as_json)
            request.close(answer.figures())
            written = record_of(Path(asked.out)) if asked.out else {}
            operation.ended("complete", **answer.figures(), encrypted_file=bool(asked.out), **written)
    return OK


def _require_possible(asked: AskedAccess, *, list_only: bool, as_html: bool, as_json: bool) -> None:
    """UsageError for options that do not go together, before anything is searched."""
    if not asked.question.asked_by:
        raise UsageError("say who the person is: --subject, --email, --phone, --handle or --name")
    if as_html and as_json:
        raise UsageError("--html and --json: one of the two")
    if asked.out and Path(asked.out).exists():
        raise UsageError(f"--out {asked.out}: it exists already")
    if not list_only and not asked.out and _is_regular_file():
        raise UsageError("the answer is not written to a file in clear: use --out FILE, which encrypts it")


def _is_regular_file() -> bool:
    """True if standard output is redirected to a file."""
    try:
        return stat.S_ISREG(os.fstat(sys.stdout.fileno()).st_mode)
    except (OSError, ValueError):
        return False


@contextmanager
def _searched_installation(settings: Settings) -> Iterator[SearchedInstallation]:
    vault, address = VaultAddress.of(settings), LakeAddress.of(settings)
    if vault.is_new:
        raise StorageError(f"there is no vault yet, so nobody is known: the first `{typed('sync')}` makes it")
    lake = Lake(address, read_only=True) if address.exists else None
    try:
        yield SearchedInstallation(
            vault.open(),
            lake,
            lambda: _landing_store(settings),
            settings.lineage_table_name,
            load_platforms(settings.platform_path),
            _requests(settings),
        )
    finally:
        if lake is not None:
            lake.close()


def _requests(settings: Settings) -> list[PrivacyRequest]:
    if not database_exists(settings.ledger_url):
        return []
    with opened_register(settings.ledger_url) as register:
        return register.requests()


def _landing_store(settings: Settings) -> ObjectStore:
    from sync_platform.defs.resources import landing_store_of  # Dagster: the import takes longer than a search

    return landing_store_of(settings).open()


def _find(settings: Settings, installation: SearchedInstallation, question: PersonQuestion) -> list[Candidate]:
    """The candidates; the audit log says by what kind of identifier they were looked for, and never the value."""
    subject = {"by": question.asked_by}
    with audited(settings, OperationName.find_person, subject) as operation, showing_steps("searching") as show_step:
        persons = candidates(installation, question, show_step)
        operation.ended("complete", candidates=len(persons))
    return persons


def _chosen(persons: Sequence[Candidate], chosen: Sequence[str]) -> list[Candidate]:
    """The candidates that are the person: the chosen ones, or the only one."""
    if ALL in chosen:
        return list(persons)
    ids = {each.subject_id for each in persons}
    for each in chosen:
        if each not in ids:
            raise UsageError(f"--choose {each}: it is none of the {len(ids)} candidates")
    if chosen:
        return [each for each in persons if each.subject_id in chosen]
    return list(persons) if len(ids) == 1 else []


def _list(persons: Sequence[Candidate], *, list_only: bool, as_json: bool) -> int:
    if as_json:
        write_json({"candidates": [as_document(each) for each in persons], "answer": None})
    else:
        show_candidates(persons)
    if not persons:
        report_problem("nobody is found: no personal data is stored under that name, or the person is erased")
        return FAILED
    if list_only:
        return OK
    report_problem("several persons are found: choose with --choose ID those that are the person, or --choose all")
    return BAD_USAGE


def _deliver(answer: AccessAnswer, out: str, passphrase: str, *, as_html: bool, as_json: bool) -> None:
    """Write the answer to the encrypted file, or in clear to standard output."""
    if out:
        data = json_of(access_json(answer))
        write_answer_file(Path(out), html_of(access_document(answer)), data, passphrase)
        figures: dict[str, Any] = {"file": out, **answer.figures()}
        if as_json:
            write_json({"candidates": [as_document(each) for each in answer.persons], "answer": figures})
        else:
            counts = f"{figures['records']:,} records, {figures['changes']:,} changes, {figures['received']:,} versions"
            console().print(f"{out}: {counts}, encrypted; `{typed('privacy', 'open', out)}` opens it", soft_wrap=True)
    elif as_json:
        write_json({"candidates": [as_document(each) for each in answer.persons], "answer": access_json(answer)})
    else:
        write_document(access_document(answer), "html" if as_html else "text", sys.stdout)
