"""The pictures of the pages in docs/: `python -m sync_platform_tests.server.page_pictures` draws them anew.

They show the home of an earlier version that the tests unpack, unified by this version. Fonts differ from machine to
machine, so no test compares them.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from sync_platform.server.pages.health_page import health_page
from sync_platform_tests.cli.unpacked_home import unpacked_home
from sync_platform_tests.pictures import PICTURES
from sync_platform_tests.server.browser import Scheme, running_browser
from sync_platform_tests.server.served_home import page_data, page_of_restaurant

NOW = datetime(2026, 11, 28, 9, tzinfo=UTC)
"""Soon after the syncs of that home."""
RESTAURANT = "The Stone Lotu Bar"
DRAWN: dict[str, tuple[str, int, int, Scheme]] = {
    "health-page.png": ("health", 1100, 1060, "light"),
    "health-page-phone.png": ("health", 390, 1240, "dark"),
    "restaurant-page.png": ("restaurant", 1100, 1000, "light"),
}
"""The page of each picture, the size of its window, and its scheme."""


def draw(folder: Path, names: list[str]) -> None:
    shell = unpacked_home(folder / "home")
    unified = shell.run("unify")
    if unified.returncode != 0:
        raise SystemExit(unified.stderr)
    home = shell.home
    texts = {
        "health": health_page(page_data(home, NOW), nonce="n", user="ada", may_change_alerts=True),
        "restaurant": page_of_restaurant(home, RESTAURANT),
    }
    for page, text in texts.items():
        (folder / f"{page}.html").write_text(text)
    with running_browser(folder) as browser:
        if browser is None:
            raise SystemExit("there is no chromium")
        for name in names or DRAWN:
            page, width, height, scheme = DRAWN[name]
            (PICTURES / name).write_bytes(browser.picture(folder / f"{page}.html", width, height, scheme))


if __name__ == "__main__":
    with TemporaryDirectory() as folder:
        draw(Path(folder), sys.argv[1:])
