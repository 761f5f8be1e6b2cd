"""KMS and Secrets Manager of moto's HTTP server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore.config import Config
from moto.server import ThreadedMotoServer

from sync_platform.storage.amazon_session import amazon_session

CREDENTIALS = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
REGION = "ap-southeast-1"


@contextmanager
def amazon() -> Iterator[str]:
    """The endpoint of a server that runs until the block ends."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()


def client_of(service: Any, endpoint: str = "http://127.0.0.1:1") -> Any:
    """A client; by default of a server that nobody runs."""
    config = Config(retries={"total_max_attempts": 1})
    return amazon_session().client(service, endpoint_url=endpoint, region_name=REGION, config=config, **CREDENTIALS)
