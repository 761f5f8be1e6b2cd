"""A server that uses a renewed TLS certificate without a restart: it reads the files again when they have changed."""

from __future__ import annotations

import logging
import ssl
from pathlib import Path

import uvicorn

from sync_platform.settings import Settings

logger = logging.getLogger(__name__)
LOOKS_EVERY_TICKS = 100
"""uvicorn's main loop has a tick every 0.1 s."""


class CertificateFiles:
    """The files of the server's certificate and key, and the state of them that is in use."""

    def __init__(self, certificate: Path, key: Path) -> None:
        self._certificate, self._key = certificate, key
        self._in_use = self._state()

    def renew(self, context: ssl.SSLContext) -> bool:
        """Load the files where they have changed; connections that exist keep the old ones.

        False where they are the same, or cannot be used: then the old ones stay in use, and the log says so once.
        """
        state = self._state()
        if state == self._in_use:
            return False
        self._in_use = state
        try:
            trial = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            trial.load_cert_chain(self._certificate, self._key)  # raises an error before `context` is changed
            context.load_cert_chain(self._certificate, self._key)
        except OSError as error:  # ssl.SSLError too: half a file, or the key of another certificate
            logger.warning("the changed TLS certificate cannot be used, the one before stays in use: %s", error)
            return False
        logger.info("the changed TLS certificate is in use")
        return True

    def _state(self) -> tuple[tuple[int, int], ...]:
        try:
            states = [each.stat() for each in (self._certificate, self._key)]
        except OSError:  # another process replaces the file now
            return ()
        return tuple((each.st_mtime_ns, each.st_ino) for each in states)


class RenewingServer(uvicorn.Server):
    """uvicorn's server, which looks at the files of its certificate every ten seconds."""

    def __init__(self, config: uvicorn.Config, files: CertificateFiles) -> None:
        super().__init__(config)
        self._files = files

    async def on_tick(self, counter: int) -> bool:
        if counter % LOOKS_EVERY_TICKS == 0 and self.config.ssl is not None:
            self._files.renew(self.config.ssl)
        return await super().on_tick(counter)


def server_of(settings: Settings, config: uvicorn.Config) -> uvicorn.Server:
    """A server that follows its certificate, where it has one."""
    certificate, key = settings.serve_tls_certificate, settings.serve_tls_key_file
    if certificate is None or key is None:
        return uvicorn.Server(config)
    return RenewingServer(config, CertificateFiles(certificate, key))
