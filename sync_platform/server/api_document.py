"""The OpenAPI document of the API at /openapi.json, and at /docs as a page that loads nothing from elsewhere."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from functools import cache
from html import escape
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from sync_platform.api.openapi import openapi_document

STYLE = """
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { margin: 0 auto; max-width: 60rem; padding: 1rem; }
details { border: 1px solid #767676; border-radius: .4rem; margin: .5rem 0; padding: .4rem .8rem; }
summary { cursor: pointer; }
code, pre { font-size: .9em; overflow-wrap: anywhere; }
table { border-collapse: collapse; } th, td { text-align: left; padding: .2rem .8rem .2rem 0; vertical-align: top; }
"""
POLICY = "default-src 'none'; style-src 'nonce-{}'; base-uri 'none'; frame-ancestors 'none'"
Document = Mapping[str, Any]


def api_document_routes() -> list[Route]:
    return [
        Route("/openapi.json", lambda _: JSONResponse(_document()), methods=["GET"]),
        Route("/docs", _show_page, methods=["GET"]),
    ]


@cache
def _document() -> Document:
    return openapi_document()


def _show_page(_: Request) -> Response:
    nonce = secrets.token_urlsafe(16)
    page = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>API: sync-platform</title><style nonce="{nonce}">{STYLE}</style></head><body><main>
{"".join(_sections(_document()))}</main></body></html>
"""
    return HTMLResponse(page, headers={"Content-Security-Policy": POLICY.format(nonce)})


def _sections(document: Document) -> Iterator[str]:
    yield f"<h1>{escape(document['info']['title'])}</h1>\n<p>{escape(document['info'].get('description', ''))}</p>\n"
    yield '<p>For programs: <a href="/openapi.json">openapi.json</a>.</p>\n'
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            yield _operation(method, path, operation)


def _operation(method: str, path: str, operation: Document) -> str:
    parameters = "".join(
        f"<tr><th>{escape(each['name'])}</th><td>{escape(each['in'])}</td>"
        f"<td>{escape(each.get('description', ''))}</td></tr>"
        for each in operation.get("parameters", [])
    )
    answers = "".join(
        f"<tr><th>{escape(status)}</th><td>{escape(answer.get('description', ''))}</td></tr>"
        for status, answer in operation.get("responses", {}).items()
    )
    body = ", ".join(_schemas(operation.get("requestBody", {})))
    title = f"<code>{method.upper()} {escape(path)}</code> {escape(operation.get('summary', ''))}"
    return f"""<details><summary>{title}</summary>
<p>{escape(operation.get("description", ""))}</p>
{f"<table><caption>Parameters</caption>{parameters}</table>" if parameters else ""}
{f"<p>Body: <code>{escape(body)}</code></p>" if body else ""}
<table><caption>Answers</caption>{answers}</table></details>
"""


def _schemas(body: Document) -> Iterator[str]:
    """The names of the schemas of a body."""
    for content in body.get("content", {}).values():
        yield content.get("schema", {}).get("$ref", "").rpartition("/")[2] or "see openapi.json"
