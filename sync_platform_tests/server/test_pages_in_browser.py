"""The pages in Chromium: rules of accessibility (axe-core) hold on a phone and a desk, in light and dark."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest

from sync_platform.server.pages.health_page import health_page
from sync_platform_tests.cli.unpacked_home import unpacked_home
from sync_platform_tests.server.browser import Browser, Scheme, running_browser
from sync_platform_tests.server.served_home import page_data, page_of_restaurant
from sync_platform_tests.services import NOT_TESTED

RUN_AXE = """
axe.run().then((found) => ({
  wide: document.documentElement.scrollWidth > document.documentElement.clientWidth,
  dark: matchMedia("(prefers-color-scheme: dark)").matches,
  violations: found.violations.map((each) => [each.id, each.nodes.map((node) => node.html)]),
  passes: found.passes.length,
}))
"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with running_browser(tmp_path_factory.mktemp("chromium")) as found:
        if found is None:
            pytest.skip(f"pages in a browser {NOT_TESTED}: there is no chromium")
        yield found


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    axe = importlib.util.find_spec("axe_core_python")
    if axe is None or axe.origin is None:
        pytest.skip(f"pages in a browser {NOT_TESTED}: there is no axe-core-python")
    script = Path(axe.origin).with_name("axe.min.js").read_text()
    folder = tmp_path_factory.mktemp("pages")
    home = unpacked_home(folder / "home").home
    texts = {
        "health": health_page(page_data(home), nonce="n", user="ada", may_change_alerts=True),
        "restaurant": page_of_restaurant(home, "The Stone Lotu Bar"),
    }
    for name, text in texts.items():
        (folder / f"{name}.html").write_text(text.replace("</body>", f"<script>{script}</script></body>"))
    return {name: folder / f"{name}.html" for name in texts}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 500, 1280])
@pytest.mark.parametrize("name", ["health", "restaurant"])
def test_a_page_breaks_no_rule_of_accessibility_and_fits_its_window(
    browser: Browser, pages: dict[str, Path], name: str, width: int, scheme: Scheme
) -> None:
    found = browser.evaluated(pages[name], RUN_AXE, width, scheme)
    assert found["violations"] == []
    assert found["passes"] > 15
    assert (found["dark"], found["wide"]) == (scheme == "dark", False)
