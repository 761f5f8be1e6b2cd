"""Files that the source calls unchanged: a request that names an ETag is answered with 304 and no body (RFC 9110)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from sync_platform.sources.extraction import Extraction
from sync_platform.sources.reply import Reply

NOT_MODIFIED = 304


async def is_unchanged(extraction: Extraction, dataset: str, paths: Sequence[str]) -> bool:
    """True if all files of a dataset are the files that were landed last; then this is reported to the extraction."""
    client = extraction.client
    etags = [extraction.known_etags.get(client.base_url + path) for path in paths]
    if not all(etags):
        return False
    replies = await asyncio.gather(
        *(client.get(path, read=_as_is, known_etag=etag) for path, etag in zip(paths, etags, strict=True))
    )
    if any(reply.status != NOT_MODIFIED for reply in replies):
        return False
    extraction.report_unchanged(dataset, tuple(replies))
    return True


def _as_is(reply: Reply) -> Reply:
    return reply
