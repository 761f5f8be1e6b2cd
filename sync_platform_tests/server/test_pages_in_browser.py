"""The pages in Chromium: rules of accessibility (axe-core) hold on a phone and a desk, in light and dark."""

from __future__ import annotations

import importlib.util
import itertools
import json
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from sync_platform.server.pages.health_page import health_page
from sync_platform_tests.cli.unpacked_home import unpacked_home
from sync_platform_tests.extent import only_in_full
from sync_platform_tests.server.served_home import page_data, page_of_restaurant
from sync_platform_tests.services import NOT_TESTED

USUAL = (("health", 500, "dark"), ("health", 1280, "light"), ("restaurant", 500, "light"))
WINDOWS = [
    window if window in USUAL else only_in_full(*window)
    for window in itertools.product(("health", "restaurant"), (500, 1280), ("light", "dark"))
]
RUN_AXE = """
axe.run().then((found) => {
  const wide = document.documentElement.scrollWidth > document.documentElement.clientWidth;
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const violations = found.violations.map((each) => [each.id, each.nodes.map((node) => node.html)]);
  document.body.innerHTML = "<pre></pre>";
  document.querySelector("pre").textContent = JSON.stringify({ wide, dark, violations, passes: found.passes.length });
});
"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    home = unpacked_home(tmp_path_factory.mktemp("pages") / "home").home
    return {
        "health": health_page(page_data(home), nonce="n", user="ada", may_change_alerts=True),
        "restaurant": page_of_restaurant(home, "The Stone Lotu Bar"),
    }


def _examined(page: str, folder: Path, width: int, scheme: str) -> dict[str, Any]:
    """What axe-core finds on a page in a window of that width; `scheme`: light or dark."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    axe = importlib.util.find_spec("axe_core_python")
    if chromium is None or axe is None or axe.origin is None:
        pytest.skip(f"pages in a browser {NOT_TESTED}: there is no chromium or no axe-core-python")
    script = Path(axe.origin).with_name("axe.min.js").read_text()
    file = folder / "page.html"
    file.write_text(page.replace("</body>", f"<script>{script}</script><script>{RUN_AXE}</script></body>"))
    number = {"dark": 0, "light": 1}[scheme]
    command = [chromium, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}"]
    options = [f"--window-size={width},900", f"--blink-settings=preferredColorScheme={number}"]
    done = subprocess.run(
        [*command, *options, "--virtual-time-budget=8000", "--dump-dom", file.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
    )
    found = re.search(r"<pre>(.*?)</pre>", done.stdout, re.DOTALL)
    assert found, done.stderr[-500:]
    examined: dict[str, Any] = json.loads(unescape(found[1]))
    return examined


@pytest.mark.parametrize(("name", "width", "scheme"), WINDOWS)
def test_a_page_breaks_no_rule_of_accessibility_and_fits_its_window(
    pages: dict[str, str], tmp_path: Path, name: str, width: int, scheme: str
) -> None:
    found = _examined(pages[name], tmp_path, width, scheme)
    assert found["violations"] == []
    assert found["passes"] > 15
    assert (found["dark"], found["wide"]) == (scheme == "dark", False)
