"""The answer to an access request as a page in English and traditional Chinese, for the person to read.

What belongs here: the words of the page. What the law asks for is in it: the data and its source, the purposes, the
recipients, how long it is kept, and the person's rights (GDPR Art. 15(1), PDPO s.18 and Sch. 1 DPP 5).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import orjson

from sync_platform.documents.document import Document, DocumentTable, Section
from sync_platform.documents.local_time import local_time
from sync_platform.privacy.access_answer import AccessAnswer, DatasetAnswer, PersonRecord, ReceivedRecord, RetentionDays
from sync_platform.privacy.access_words import (
    KEPT_COLUMNS,
    KINDS_ZH,
    LEAD,
    LIFTED,
    NOT_STATED,
    NOT_STATED_ZH,
    NOT_YET,
    NOTHING,
    OPERATIONS,
    RIGHTS,
    STATES,
    TABLES_ZH,
)
from sync_platform.privacy.searched_installation import sealed_paths
from sync_platform.sources.columns import columns_of
from sync_platform.vault.personal_fields import Processing

UNSTATED = Processing(NOT_STATED, NOT_STATED, NOT_STATED, NOT_STATED)
UNSTATED_ZH = Processing(NOT_STATED_ZH, NOT_STATED_ZH, NOT_STATED_ZH, NOT_STATED_ZH)


def access_document(answer: AccessAnswer) -> Document:
    """The page: what is kept, one section for each dataset, and the rights of the person."""
    names = [f"{each.platform}.{each.dataset} ({each.subject_id})" for each in answer.persons]
    facts = [
        ("Made at / 製作時間", local_time(answer.made_at)),
        ("Organisation / 機構", answer.organisation or f"{NOT_STATED} / {NOT_STATED_ZH}"),
        ("Contact / 聯絡方法", answer.contact or f"{NOT_STATED} / {NOT_STATED_ZH}"),
        ("Known as / 資料當事人編號", "; ".join(dict.fromkeys(names))),
    ]
    return Document(
        "Your personal data / 您的個人資料",
        facts,
        [*map(_section, answer.datasets), _kept_for(answer.kept_for), Section("Your rights / 您的權利", RIGHTS)],
        lead=LEAD if answer.datasets else [*LEAD, NOTHING],
    )


def _section(answer: DatasetAnswer) -> Section:
    title = f"{answer.platform.title}: {answer.dataset.name}"
    if answer.dataset.attached:
        title += f" / {TABLES_ZH[answer.dataset.attached.table]}"
    tables = [_reasons(answer), _fields(answer), *(_record(answer, each) for each in answer.records)]
    if answer.corrections:
        tables.append(_corrections(answer))
    if answer.changes:
        tables.append(_changes(answer))
    if answer.received:
        tables.append(_received(answer.received))
    return Section(title, (answer.dataset.description,), tables)


def _reasons(answer: DatasetAnswer) -> DocumentTable:
    """Why the data is kept, in both languages."""
    stated = answer.dataset.personal.processing if answer.dataset.personal else None
    english = stated or UNSTATED
    chinese = english.in_chinese or (english if stated else UNSTATED_ZH)
    source = answer.platform.live_base_url
    rows = [
        ("Whose data / 資料當事人", english.whose, chinese.whose),
        ("Purpose / 目的", english.purpose, chinese.purpose),
        ("Legal basis / 法律依據", english.basis, chinese.basis),
        ("Recipients / 接收者", english.recipients, chinese.recipients),
        ("Source / 來源", f"{answer.platform.title} ({source})", f"{answer.platform.title}（{source}）"),
    ]
    return DocumentTable("Why it is kept / 保存的原因", ("", "English", "中文"), rows)


def _fields(answer: DatasetAnswer) -> DocumentTable:
    personal = answer.dataset.personal
    kinds = {path: personal.kind_of(path) for path in personal.fields} if personal else {}
    rows = [(path, kind.value, KINDS_ZH[kind]) for path, kind in kinds.items()]
    return DocumentTable("Personal fields / 個人資料欄位", ("Field / 欄位", "Kind", "種類"), rows)


def _record(answer: DatasetAnswer, record: PersonRecord) -> DocumentTable:
    meanings = _meanings(answer)
    rows = [
        (KEPT_COLUMNS.get(name, meanings.get(name, name)), _text(value))
        for name, value in record.values.items()
        if value is not None
    ]
    caption = f"Record {record.source_id} / 記錄 {record.source_id}: {STATES[record.state]}"
    return DocumentTable(caption, ("What / 項目", "Value / 內容"), rows)


def _meanings(answer: DatasetAnswer) -> dict[str, str]:
    """The meaning of each column; of a personal one in both languages."""
    personal, paths = answer.dataset.personal, sealed_paths(answer.dataset)
    meanings = {}
    for column in columns_of(answer.dataset.row):
        meaning = column.description.removesuffix(", sealed")
        if personal is not None and paths.get(column.name) in personal.fields:
            meaning += f" / {KINDS_ZH[personal.kind_of(paths[column.name])]}"
        meanings[column.name] = meaning
    return meanings


def _corrections(answer: DatasetAnswer) -> DocumentTable:
    rows = [
        (
            local_time(each.corrected_at),
            f"{each.source_id}: {each.column}",
            _text(each.wrong),
            _text(each.right),
            local_time(each.passed_on_at) if each.passed_on_at else LIFTED if each.lifted_at else NOT_YET,
        )
        for each in answer.corrections
    ]
    columns = (
        "Corrected / 更正時間",
        "Value / 項目",
        "The platform showed / 平台顯示",
        "Right value / 正確內容",
        "The platform shows it right since / 平台更正時間",
    )
    return DocumentTable("Corrections at your request / 應您要求所作的更正", columns, rows)


def _changes(answer: DatasetAnswer) -> DocumentTable:
    rows = [
        (
            local_time(each.observed_at),
            each.source_id,
            OPERATIONS.get(each.operation, each.operation),
            _change(each.before, each.after),
        )
        for each in answer.changes
    ]
    columns = ("When / 時間", "Record / 記錄", "What happened / 事項", "Values / 內容")
    return DocumentTable("History / 更改記錄", columns, rows)


def _change(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """The changed columns in one text, without those that are empty before and after."""
    texts = []
    for name in dict.fromkeys((*before, *after)):
        old, new = before.get(name), after.get(name)
        if old is not None:
            texts.append(f"{name}: {_text(old)} → {_text(new)}")
        elif new is not None:
            texts.append(f"{name}: {_text(new)}")
    return "; ".join(texts)


def _received(received: Iterable[ReceivedRecord]) -> DocumentTable:
    rows = [
        (
            len(each.landing_objects),
            "; ".join(each.problems) or "–",
            orjson.dumps(each.record, option=orjson.OPT_SORT_KEYS).decode(),
        )
        for each in received
    ]
    columns = ("Times / 次數", "Why it could not be stored / 未能存入的原因", "As received / 收到的內容")
    return DocumentTable("As received from the platform / 從平台收到的內容", columns, rows)


def _kept_for(days: RetentionDays) -> Section:
    history, landing, backup = days.history_days, days.landing_days, days.backup_days
    rows = [
        (
            "Record / 記錄",
            "as long as the platform shows it, then as a removed row in the history",
            "平台仍然顯示期間；其後作為已移除的記錄保存於更改記錄內",
        ),
        ("History / 更改記錄", f"{history:,} days, then its final state only", f"{history:,} 日，其後只保留最後狀態"),
        ("As received / 收到的內容", f"{landing:,} days or less", f"最多 {landing:,} 日"),
        ("Backups / 備份", f"{backup:,} days; copies of the same", f"{backup:,} 日；內容與上述相同"),
    ]
    return Section(
        "How long it is kept / 保存期限",
        ["Everything personal is kept encrypted. 所有個人資料均加密保存。"],
        [DocumentTable("Retention / 保存期", ("What / 項目", "English", "中文"), rows)],
    )


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return local_time(value)
    if isinstance(value, list | dict):
        return orjson.dumps(value).decode()
    return "–" if value is None else str(value)
