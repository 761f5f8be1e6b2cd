"""The baseline: fetch 8 pages at a time, read_json, MERGE into DuckDB. No history, checks, sealing or landing.

python -m benchmarks.baseline URL FOLDER
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

import duckdb
import httpx
import orjson


async def fetch(url: str, folder: Path) -> None:
    limit = asyncio.Semaphore(8)
    async with httpx.AsyncClient(timeout=60) as client:

        async def page(number: int) -> int:
            async with limit:
                body = orjson.loads((await client.get(f"{url}/listings", params={"page": number})).content)
            lines = b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in body["data"])
            (folder / f"{number:06d}.ndjson").write_bytes(lines)
            return int(body["meta"]["total_pages"])

        count = await page(1)
        await asyncio.gather(*(page(number) for number in range(2, count + 1)))


def main(url: str, home: Path) -> None:
    with tempfile.TemporaryDirectory(dir=home) as pages:
        asyncio.run(fetch(url, Path(pages)))
        with duckdb.connect(str(home / "baseline.duckdb")) as connection:
            source = f"read_json('{pages}/*.ndjson', format = 'newline_delimited')"
            connection.execute(f"CREATE TABLE IF NOT EXISTS listings AS SELECT * FROM {source} LIMIT 0")
            connection.execute(
                f"""MERGE INTO listings USING (SELECT * FROM {source}) AS fresh ON listings.id = fresh.id
                WHEN MATCHED THEN UPDATE WHEN NOT MATCHED THEN INSERT"""
            )


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
