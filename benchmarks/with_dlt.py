"""The same load with dlt, as in its documentation: a REST source merged into DuckDB.

python -m benchmarks.with_dlt URL FOLDER
"""

from __future__ import annotations

import sys

import dlt
from dlt.sources.rest_api import rest_api_source


def main(url: str, home: str) -> None:
    source = rest_api_source(
        {
            "client": {
                "base_url": url,
                "paginator": {"type": "page_number", "base_page": 1, "total_path": "meta.total_pages"},
            },
            "resource_defaults": {"primary_key": "id", "write_disposition": "merge"},
            "resources": [{"name": "listings", "endpoint": {"path": "listings", "data_selector": "data"}}],
        }
    )
    pipeline = dlt.pipeline(
        "benchmark", destination=dlt.destinations.duckdb(f"{home}/dlt.duckdb"), dataset_name="raw", pipelines_dir=home
    )
    pipeline.run(source)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
