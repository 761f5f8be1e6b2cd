"""An S3 server that is not AWS: it passes requests on to a real one, refuses checksums, and can be busy."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

CHECKSUMS = ("x-amz-trailer", "x-amz-sdk-checksum-algorithm", "x-amz-checksum-crc32", "x-amz-checksum-crc64nvme")


class StrictS3:
    """The server's state. `busy`: how many more requests are answered 503 SlowDown. `requests`: methods and paths."""

    def __init__(self, upstream: str) -> None:
        self.upstream = urlsplit(upstream).netloc
        self.busy = 0
        self.requests: list[str] = []
        self.lock = threading.Lock()
        self.endpoint = ""

    def is_busy(self) -> bool:
        with self.lock:
            self.busy -= 1
            return self.busy >= 0


@contextmanager
def strict_s3(upstream: str) -> Iterator[StrictS3]:
    """A running server in front of the S3 server at this address."""
    state = StrictS3(upstream)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            state.requests.append(f"{self.command} {self.path}")
            if state.is_busy():
                return self.fail(503, "SlowDown")
            if any(name in self.headers for name in CHECKSUMS) or "aws-chunked" in str(self.headers):
                return self.fail(501, "NotImplemented")
            upstream = http.client.HTTPConnection(state.upstream)
            upstream.request(self.command, self.path, body, dict(self.headers.items()))
            answer = upstream.getresponse()
            content = answer.read()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in ("transfer-encoding", "connection", "content-length"):
                    self.send_header(name, value)
            length = answer.getheader("content-length") if self.command == "HEAD" else str(len(content))
            self.finish_with(content, length or "0")
            upstream.close()
            return None

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
