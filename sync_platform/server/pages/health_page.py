"""The health page: how the installation is, and why, on one page."""

from __future__ import annotations

from sync_platform.server.pages.health_data import HealthPageData
from sync_platform.server.pages.page_templates import templates


def health_page(data: HealthPageData, *, nonce: str, user: str = "", may_change_alerts: bool = False) -> str:
    """The page as HTML. `nonce`: that of the Content-Security-Policy, for the page's style and script.

    `user`: who is logged in; without one there is no button to log out. `may_change_alerts`: the page has a button to
    acknowledge each alert.
    """
    template = templates().get_template("health.html")
    return template.render(
        data=data, nonce=nonce, user=user, may_change_alerts=may_change_alerts, refresh_s=30, title="Health"
    )
