"""The settings of `serve`: where it listens, who may log in, and how."""

from __future__ import annotations

import re
from ipaddress import ip_network
from pathlib import Path

from pydantic import Field, field_validator

from sync_platform.setting_groups.address_types import HttpAddress
from sync_platform.setting_groups.settings_group import SettingsGroup

ORIGIN = re.compile(r"https?://[A-Za-z0-9.\[\]:-]+/?")


class ServerSettings(SettingsGroup):
    """Where the server listens, how it is protected, and how people log in."""

    serve_address: str = Field(
        "127.0.0.1",
        description="Address on which `serve` listens. One that is not loopback needs TLS or SERVE_PROXIES.",
    )
    serve_port: int = Field(3000, ge=1, le=65_535, description="Port on which `serve` listens.")
    serve_url: str = Field(
        "",
        description="Address that people type to reach `serve`, such as `https://sync.example.org`. Empty: built from "
        "SERVE_ADDRESS and SERVE_PORT.",
    )
    serve_tls_certificate: Path | None = Field(
        None, description="File of the TLS certificate of `serve`, with its chain (PEM). Empty: no TLS."
    )
    serve_tls_key_file: Path | None = Field(None, description="File of the private key of that certificate (PEM).")
    serve_proxies: str = Field(
        "",
        description="Proxies before `serve` that end TLS: addresses or networks, separated by commas. Only their "
        "X-Forwarded-For and X-Forwarded-Proto count. Empty: none.",
    )
    code_server: str = Field(
        "",
        description="Address (`host:port`) of Dagster's code server, for `serve --only`. "
        "Empty: `serve` starts its own.",
    )
    run_broker: str = Field(
        "",
        description="Redis that hands runs to the workers of several hosts, such as `redis://10.0.0.5:6379/0`, or "
        "`rediss://` with TLS (`?ssl_ca_certs=/path/ca.pem` for a CA of one's own). Empty: none.",
        repr=False,
    )
    session_hours: int = Field(12, ge=1, le=720, description="Hours until a person must log in again.")
    password_login: bool = Field(True, description="Whether people may log in with a password.")

    oidc_issuer: HttpAddress = Field(
        "", description="Address of an OpenID Connect provider with which people log in. Empty: none."
    )
    oidc_client_id: str = Field("", description="Id of `serve` at that provider.")
    oidc_client_secret: str = Field("", description="Secret of `serve` at that provider.", repr=False)
    oidc_name_claim: str = Field(
        "email",
        description="Claim of the provider that is the name of a user (`user add`); an e-mail must be verified.",
    )

    @field_validator("serve_url")
    @classmethod
    def _is_origin(cls, value: str) -> str:
        if value and not ORIGIN.fullmatch(value):
            raise ValueError("must be an address without a path, such as https://sync.example.org")
        return value.rstrip("/").lower()

    @field_validator("code_server")
    @classmethod
    def _is_host_and_port(cls, value: str) -> str:
        host, _, port = value.rpartition(":")
        if value and not (host and port.isdecimal() and 1 <= int(port) <= 65_535):
            raise ValueError("must be host:port, such as 127.0.0.1:4266")
        return value

    @field_validator("run_broker")
    @classmethod
    def _is_redis(cls, value: str) -> str:
        if value and not re.match(r"rediss?://[^/]", value):
            raise ValueError("must start with redis:// or rediss://, such as redis://10.0.0.5:6379/0")
        return value

    @field_validator("serve_proxies")
    @classmethod
    def _are_networks(cls, value: str) -> str:
        for each in filter(None, map(str.strip, value.split(","))):
            ip_network(each)  # its ValueError names the wrong part
        return value
