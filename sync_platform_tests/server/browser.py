"""One headless Chromium for all tests of a process, spoken to over its DevTools protocol.

What belongs here: starting it, and one page after the other. What a page must be belongs in the tests.
"""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess
import time
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from websockets.sync.client import ClientConnection, connect

from sync_platform_tests.limits import LONGEST_WAIT_S

Scheme = Literal["light", "dark"]
HEIGHT = 900


class Browser:
    """A browser that shows files. `connection`: to its DevTools."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection, self._numbers = connection, itertools.count(1)

    def evaluated(self, file: Path, script: str, width: int, scheme: Scheme) -> Any:
        """The value of a script's promise on the page of a file, in a window of that width."""
        with self._opened(file, width, HEIGHT, scheme) as session:
            answer = self._asked("Runtime.evaluate", session, expression=script, awaitPromise=True, returnByValue=True)
            assert "exceptionDetails" not in answer, answer
            return answer["result"].get("value")

    def picture(self, file: Path, width: int, height: int, scheme: Scheme) -> bytes:
        """What a window of that size shows of the page of a file, as PNG."""
        with self._opened(file, width, height, scheme) as session:
            return b64decode(self._asked("Page.captureScreenshot", session, format="png")["data"])

    @contextmanager
    def _opened(self, file: Path, width: int, height: int, scheme: Scheme) -> Iterator[str]:
        target = self._asked("Target.createTarget", url="about:blank")["targetId"]
        session: str = self._asked("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        try:
            size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
            self._asked("Emulation.setDeviceMetricsOverride", session, **size)
            scheme_of_page = [{"name": "prefers-color-scheme", "value": scheme}]
            self._asked("Emulation.setEmulatedMedia", session, features=scheme_of_page)
            self._asked("Page.navigate", session, url=file.as_uri())
            self._wait_for_page(session)
            yield session
        finally:
            self._asked("Target.closeTarget", targetId=target)

    def _wait_for_page(self, session: str) -> None:
        end = time.monotonic() + LONGEST_WAIT_S
        is_there = "document.readyState === 'complete' && location.protocol === 'file:'"
        while not self._asked("Runtime.evaluate", session, expression=is_there)["result"].get("value"):
            assert time.monotonic() < end, "the page was not loaded"
            time.sleep(0.02)

    def _asked(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters}
        self._connection.send(json.dumps(message | ({"sessionId": session} if session else {})))
        while True:
            answer = json.loads(self._connection.recv(timeout=LONGEST_WAIT_S))
            if answer.get("id") == number:
                assert "error" not in answer, answer
                return dict(answer["result"])


@contextmanager
def running_browser(folder: Path) -> Iterator[Browser | None]:
    """A browser with its profile in the folder; None where there is no Chromium."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        yield None
        return
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--remote-debugging-port=0"]
    process = subprocess.Popen(
        [chromium, *options, f"--user-data-dir={folder}", "about:blank"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        port, path = _address(folder / "DevToolsActivePort")
        with connect(f"ws://127.0.0.1:{port}{path}", max_size=None) as connection:
            yield Browser(connection)
    finally:
        process.kill()
        process.wait()


def _address(file: Path) -> tuple[str, str]:
    end = time.monotonic() + LONGEST_WAIT_S
    while True:
        lines = file.read_text().splitlines() if file.exists() else []
        if len(lines) == 2:
            return lines[0], lines[1]
        assert time.monotonic() < end, "Chromium did not start"
        time.sleep(0.05)
