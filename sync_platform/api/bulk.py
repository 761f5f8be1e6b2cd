"""`GET /bulk` and `GET /bulk/{table}`: whole tables as NDJSON or Parquet, without personal columns."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

import duckdb
import orjson
from fastapi import APIRouter, Depends, Path, Query, Response
from starlette.background import BackgroundTask
from starlette.responses import FileResponse, StreamingResponse
from starlette.types import Receive, Scope, Send

from sync_platform.api.context import ApiContext
from sync_platform.api.envelope import Envelope, documented_errors, enveloped
from sync_platform.api.permission import permitted
from sync_platform.api.table_answer import TableAnswer, TableList
from sync_platform.errors import NoLakeYet, NotFound
from sync_platform.permissions.action import Action
from sync_platform.storage.process_files import ProcessFolder
from sync_platform.storage.sql_text import sql_text
from sync_platform.unified.readable_tables import ReadableTable, readable_tables

NDJSON, PARQUET = "application/x-ndjson", "application/vnd.apache.parquet"
BATCH_ROWS = 2_000


def add_bulk(router: APIRouter, context: ApiContext) -> None:
    """Add the reads of whole tables."""
    may_export = Depends(permitted(context, Action.export_data))

    @router.get(
        "/bulk",
        operation_id="listTables",
        response_model=Envelope[TableList],
        responses=documented_errors(),
        dependencies=[may_export],
        tags=["data"],
    )
    def list_tables() -> Response:
        """List the tables that can be read as a whole, with their columns."""
        try:
            with context.lake.session() as session:
                tables = readable_tables(session, context.platforms)
        except NoLakeYet:
            tables = {}
        items = [TableAnswer(table=name, columns=list(table.columns)) for name, table in tables.items()]
        return enveloped(TableList, TableList(items=items))

    @router.get(
        "/bulk/{table}",
        operation_id="readTable",
        response_class=StreamingResponse,
        responses={
            **documented_errors(404),
            200: {
                "description": "One JSON object in each line, or a Parquet file",
                "content": {NDJSON: {"schema": {"type": "string"}}, PARQUET: {"schema": {"type": "string"}}},
            },
        },
        dependencies=[may_export],
        tags=["data"],
    )
    def read_table(
        table: Annotated[str, Path(max_length=100, description="Such as unified.restaurants or openrice.reviews.")],
        form: Annotated[Literal["ndjson", "parquet"], Query(alias="format")] = "ndjson",
        removed: Annotated[bool, Query(description="Also rows that are removed.")] = False,
    ) -> Response:
        """Read a whole table as it is now, without its personal columns."""
        with context.lake.session() as session:
            known_table = readable_tables(session, context.platforms).get(table)
            if known_table is None:
                raise NotFound(f"there is no table {table!r} to read: GET /bulk lists them")
            query = known_table.query(with_removed=removed)
            if form == "parquet":
                return _parquet_file(context, session, known_table, query)
        return StreamingResponse(_lines(context, query), media_type=NDJSON)


def _lines(context: ApiContext, query: str) -> Iterator[bytes]:
    with context.lake.session() as session:
        rows = session.execute(query)
        names = [column[0] for column in rows.description]
        while batch := rows.fetchmany(BATCH_ROWS):
            yield b"".join(orjson.dumps(dict(zip(names, row, strict=True)), _json, LINE) for row in batch)


LINE = orjson.OPT_APPEND_NEWLINE | orjson.OPT_PASSTHROUGH_DATETIME


def _json(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")


class WholeFile(FileResponse):
    """A file that each request makes anew. It has no ranges: parts of two files do not fit together."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.headers["Accept-Ranges"] = "none"
        headers = [(name, value) for name, value in scope["headers"] if name != b"range"]
        await super().__call__({**scope, "headers": headers}, receive, send)


def _parquet_file(
    context: ApiContext, session: duckdb.DuckDBPyConnection, table: ReadableTable, query: str
) -> WholeFile:
    """The file, which is deleted once it is sent."""
    folder = ProcessFolder(context.lake.address.temp, "bulk-")
    file = folder.path / f"{table.name}.parquet"
    try:
        session.execute(f"COPY ({query}) TO {sql_text(str(file))} (FORMAT parquet, COMPRESSION zstd)")
    except BaseException:
        folder.remove()
        raise
    return WholeFile(file, media_type=PARQUET, filename=file.name, background=BackgroundTask(folder.remove))
