"""The page that a person sees in place of an error of the API, such as nothing at this address."""

from __future__ import annotations

from sync_platform.server.pages.page_templates import templates

TITLES = {
    403: "Not allowed",
    404: "Not found",
    429: "Too many requests",
    503: "Not possible now",
}


def refusal_page(status: int, message: str, *, nonce: str, user: str = "") -> str:
    """The page as HTML; `nonce` and `user` as for the health page. `message`: what the API says."""
    title = TITLES.get(status, "Not possible")
    template = templates().get_template("refusal.html")
    return template.render(title=title, status=status, message=message, nonce=nonce, user=user, refresh_s=0)
