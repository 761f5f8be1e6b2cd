"""The parts of the server that can run apart. The command line shows them, so this imports nothing that takes time."""

from __future__ import annotations

from enum import StrEnum


class ServerPart(StrEnum):
    """What `serve --only` starts."""

    web = "web"
    daemon = "daemon"
    code_server = "code-server"
    worker = "worker"
