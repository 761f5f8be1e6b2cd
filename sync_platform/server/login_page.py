"""The login page: one form for a link's code, or one for a name and a password."""

from __future__ import annotations

import secrets
from html import escape

from starlette.responses import HTMLResponse

from sync_platform.documents.typed_command import named_command

STYLE = """
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; }
main { width: min(22rem, 100vw - 2rem); }
h1 { font-size: 1.4rem; margin: 0 0 1rem; }
label { display: block; margin: .8rem 0 .2rem; }
input, button, .button { font: inherit; width: 100%; box-sizing: border-box; padding: .6rem .7rem; }
input, button, .button { border-radius: .4rem; }
input { border: 1px solid #767676; background: Field; color: FieldText; }
button, .button { margin-top: 1.2rem; border: 0; background: #0b57d0; color: #fff; cursor: pointer; display: block;
  text-align: center; text-decoration: none; }
:focus-visible { outline: 3px solid #e8a200; outline-offset: 2px; }
[role=alert] { border-left: .3rem solid #b3261e; padding-left: .7rem; }
code { font-size: .9em; }
"""

POLICY = "default-src 'none'; style-src 'nonce-{}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"


def login_page(
    target: str, *, code: str = "", has_passwords: bool, oidc_name: str = "", problem: str = "", status: int = 200
) -> HTMLResponse:
    """The page. `target`: the path to open after the login; `code`: of a login link; `problem`: why a try failed."""
    nonce = secrets.token_urlsafe(16)
    content = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Log in: sync-platform</title><style nonce="{nonce}">{STYLE}</style></head>
<body><main><h1>sync-platform</h1>
{f'<p role="alert">{escape(problem)}</p>' if problem else ""}
{_code_form(code, target) if code else _forms(target, has_passwords=has_passwords, oidc_name=oidc_name)}
</main></body></html>
"""
    policy = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    return HTMLResponse(content, status, {"Content-Security-Policy": policy})


def _code_form(code: str, target: str) -> str:
    """The code is used by a button: programs that look at links in advance do not press it."""
    return f"""<form method="post" action="/login"><input type="hidden" name="code" value="{escape(code)}">
<input type="hidden" name="next" value="{escape(target)}"><button autofocus>Log in</button></form>"""


def _forms(target: str, *, has_passwords: bool, oidc_name: str) -> str:
    parts = []
    if has_passwords:
        parts.append(
            f"""<form method="post" action="/login"><input type="hidden" name="next" value="{escape(target)}">
<label for="user">Name</label>
<input id="user" name="user" autocomplete="username" autocapitalize="none" required autofocus>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required>
<button>Log in</button></form>"""
        )
    if oidc_name:
        parts.append(f'<a class="button" href="/login/oidc?next={escape(target)}">Log in with {escape(oidc_name)}</a>')
    command = escape(named_command("user", "link", "NAME"))
    parts.append(f"<p>No password? <code>{command}</code> shows a link that logs in once.</p>")
    return "\n".join(parts)
