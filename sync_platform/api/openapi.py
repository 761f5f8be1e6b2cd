"""The OpenAPI document of the API, which docs/openapi.json has: a change of it is seen in review."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from sync_platform import __version__
from sync_platform.api.context import ApiContext
from sync_platform.api.router import api_router
from sync_platform.settings import Settings

TITLE = "sync-platform"
BEARER = {"bearer": {"type": "http", "scheme": "bearer", "description": "A token, made with `token create`."}}


def openapi_document() -> dict[str, Any]:
    """The document of every route. Nothing is opened for it."""
    context = ApiContext(Settings(), waiting_runs=list, note_denial=lambda actor, action, resource: None)
    app = FastAPI(title=TITLE, version=__version__, description="Restaurants of Hong Kong from eight platforms.")
    app.include_router(api_router(context))
    document = app.openapi()
    document["components"]["securitySchemes"] = BEARER
    document["security"] = [{"bearer": []}]
    for name in ("HTTPValidationError", "ValidationError"):  # our own errors have another form
        document["components"]["schemas"].pop(name, None)
    return document
