"""An S3 server that is not AWS: it passes requests on to a real one, refuses checksums, and plays faults of a test."""

from __future__ import annotations

import http.client
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from sync_platform.storage.bucket_store import BucketStore
from sync_platform.storage.s3_client import open_other_s3_client

CHECKSUMS = ("x-amz-trailer", "x-amz-sdk-checksum-algorithm", "x-amz-checksum-crc32", "x-amz-checksum-crc64nvme")


class StrictS3:
    """The server's state. `requests`: methods and paths.

    `busy`: how many more requests are answered 503 SlowDown. `cut`: how many more bodies are cut off in the middle,
    with their connection: those of requests by method, those of answers by `answer to GET`. `lost`: how many more
    requests are carried out and never answered, by method. `refuses_writes`: everything but reading is answered 403.
    `on_request`: is called first.
    """

    def __init__(self, upstream: str) -> None:
        self.upstream = urlsplit(upstream).netloc
        self.busy = 0
        self.cut: Counter[str] = Counter()
        self.lost: Counter[str] = Counter()
        self.refuses_writes = False
        self.on_request: Callable[[str], None] = lambda request: None
        self.requests: list[str] = []
        self.lock = threading.Lock()
        self.endpoint = ""

    def is_busy(self) -> bool:
        with self.lock:
            self.busy -= 1
            return self.busy >= 0

    def takes_one(self, left: Counter[str], method: str) -> bool:
        """True, and one fewer is left, if there is one for the method."""
        with self.lock:
            left[method] -= 1
            return left[method] >= 0


class Sleeps:
    """Sleeps that do not wait; the server is busy until one thread has slept for `busy_s` in all."""

    def __init__(self, server: StrictS3, busy_s: float) -> None:
        self._server, self._busy_s, self._slept = server, busy_s, Counter[int]()

    @property
    def slept(self) -> float:
        return max(self._slept.values(), default=0)

    def reset(self) -> None:
        self._slept.clear()

    def __call__(self, seconds: float) -> None:
        self._slept[threading.get_ident()] += seconds  # type: ignore[assignment]
        if self.slept >= self._busy_s:
            self._server.busy = 0


def store_of(server: StrictS3, bucket: str, prefix: str, busy_s: float = 0) -> tuple[BucketStore, Sleeps]:
    """A store on the server, with sleeps that do not wait."""
    sleeps = Sleeps(server, busy_s)
    # botocore's own retries, which really wait, are left out
    client = open_other_s3_client("us-east-1", server.endpoint)
    client.meta.events.unregister("needs-retry.s3", unique_id="retry-config-s3")
    return BucketStore(client, bucket, prefix, sleeps), sleeps


@contextmanager
def strict_s3(upstream: str) -> Iterator[StrictS3]:
    """A running server in front of the S3 server at this address."""
    state = StrictS3(upstream)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            if length and state.takes_one(state.cut, self.command):
                self.rfile.read(length // 2)
                return self.drop()
            body = self.rfile.read(length)
            state.requests.append(f"{self.command} {self.path}")
            state.on_request(state.requests[-1])
            if state.is_busy():
                return self.fail(503, "SlowDown")
            if state.refuses_writes and self.command not in ("GET", "HEAD"):
                return self.fail(403, "AccessDenied")
            if any(name in self.headers for name in CHECKSUMS) or "aws-chunked" in str(self.headers):
                return self.fail(501, "NotImplemented")
            upstream = http.client.HTTPConnection(state.upstream)
            upstream.request(self.command, self.path, body, dict(self.headers.items()))
            answer = upstream.getresponse()
            content = answer.read()
            if state.takes_one(state.lost, self.command):
                upstream.close()
                return self.drop()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in ("transfer-encoding", "connection", "content-length"):
                    self.send_header(name, value)
            size = answer.getheader("content-length") if self.command == "HEAD" else str(len(content))
            upstream.close()
            if "list-type" not in self.path and content and state.takes_one(state.cut, f"answer to {self.command}"):
                self.finish_with(content[: len(content) // 2], size or "0")
                return self.drop()
            self.finish_with(content, size or "0")
            return None

        def drop(self) -> None:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)

        do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = answer

        def fail(self, status: int, code: str) -> None:
            self.send_response(status)
            self.send_header("content-type", "application/xml")
            content = f"<Error><Code>{code}</Code><Message>not now</Message></Error>".encode()
            self.finish_with(b"" if self.command == "HEAD" else content, str(len(content)))

        def finish_with(self, content: bytes, length: str) -> None:
            self.send_header("content-length", length)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Nothing is logged."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.endpoint = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
