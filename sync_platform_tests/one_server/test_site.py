"""One server as docs/deploy.md installs it, reached from another host: through Caddy only, and not without a login."""

from __future__ import annotations

import re
import ssl

import httpx
import pytest

from sync_platform_tests.fleet.hosts import BRIDGE
from sync_platform_tests.one_server.installed_server import InstalledServer
from sync_platform_tests.one_server.site_client import SITE

pytestmark = pytest.mark.full  # it takes minutes
HEADERS = {
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
}


def test_an_anonymous_request_is_refused_and_every_answer_has_the_headers(server: InstalledServer) -> None:
    with server.client() as client:
        for path in ("/", "/api/production-sync/health", "/dagster/", "/metrics", "/docs"):
            answer = client.get(path)
            assert answer.status_code == 401, path
            assert {name: answer.headers[name] for name in HEADERS} == HEADERS, path


def test_a_client_without_the_authority_refuses_the_site(server: InstalledServer) -> None:
    with server.client(knows_authority=False) as client, pytest.raises(httpx.ConnectError, match="VERIFY_FAILED"):
        client.get("/healthz")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_caddy_refuses_an_old_version_of_tls(server: InstalledServer, version: ssl.TLSVersion) -> None:
    with server.client(newest=version) as client, pytest.raises(httpx.ConnectError, match="(?i)alert.protocol.version"):
        client.get("/healthz")
    with server.client(newest=ssl.TLSVersion.TLSv1_2) as client:
        assert client.get("/healthz").status_code == 200


def test_an_expired_certificate_is_refused_until_a_new_one_stands_in_its_place(server: InstalledServer) -> None:
    server.show_certificate(days_left=-1)
    server.machine.run("systemctl restart caddy")
    with server.client() as client, pytest.raises(httpx.ConnectError, match="certificate has expired"):
        client.get("/healthz")
    server.show_certificate(days_left=1)
    server.machine.run("systemctl restart caddy")
    with server.client() as client:
        assert client.get("/healthz").status_code == 200


def test_only_caddy_is_reached_from_another_host(server: InstalledServer) -> None:
    address = server.machine.host.place.address
    answer = httpx.get(f"http://{address}/", headers={"Host": SITE})
    assert (answer.status_code, answer.headers["Location"]) == (308, f"https://{SITE}/")
    for port in (3000, 4266):
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"http://{address}:{port}/healthz")


def test_a_person_logs_in_through_caddy_and_the_audit_log_has_their_address(server: InstalledServer) -> None:
    link = re.findall(rf"https://{SITE}\S+", server.program("user", "link", "ada"))[0]
    with server.client() as browser:
        browser.headers.update({"Origin": f"https://{SITE}", "X-Forwarded-For": "192.0.2.1"})
        assert browser.get(link).status_code == 200
        answer = browser.post("/login", data={"code": httpx.URL(link).params["code"]})
        assert answer.status_code == 303
        cookie = answer.headers["Set-Cookie"]
        assert "Secure" in cookie and "HttpOnly" in cookie
        assert "<h1" in browser.get("/").text
    entries = server.program("audit", "--json")
    address = f"{server.machine.host.network}.{BRIDGE}"
    assert address in entries and "192.0.2.1" not in entries
