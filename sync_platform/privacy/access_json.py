"""The answer to an access request as portable JSON: GDPR Art. 20(1), a structured, commonly used format."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sync_platform.privacy.access_answer import AccessAnswer, DatasetAnswer
from sync_platform.privacy.person_search import as_document

FORMAT = "sync-platform/access-answer/1"


def access_json(answer: AccessAnswer) -> dict[str, Any]:
    """The document; times are moments, written in UTC."""
    return {
        "format": FORMAT,
        "made_at": answer.made_at,
        "organisation": answer.organisation,
        "contact": answer.contact,
        "persons": [as_document(each) for each in answer.persons],
        "kept_for_days": asdict(answer.kept_for),
        "datasets": [_dataset(each) for each in answer.datasets],
    }


def _dataset(answer: DatasetAnswer) -> dict[str, Any]:
    personal, processing = answer.dataset.personal, answer.dataset.personal and answer.dataset.personal.processing
    return {
        "platform": answer.platform.name,
        "dataset": answer.dataset.name,
        "source": answer.platform.live_base_url,
        "description": answer.dataset.description,
        "processing": {name: value for name, value in asdict(processing).items() if name != "in_chinese"}
        if processing
        else None,
        "processing_zh": {name: value for name, value in asdict(processing.in_chinese).items() if name != "in_chinese"}
        if processing and processing.in_chinese
        else None,
        "personal_fields": {path: personal.kind_of(path) for path in personal.fields} if personal else {},
        "records": [asdict(each) for each in answer.records],
        "changes": [asdict(each) for each in answer.changes],
        "corrections": [asdict(each) for each in answer.corrections],
        "received": [asdict(each) for each in answer.received],
    }
