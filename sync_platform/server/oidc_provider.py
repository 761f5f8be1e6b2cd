"""Login with an OpenID Connect provider: the authorization code flow with PKCE (OpenID Connect Core 1.0, 3.1).

What belongs here: the conversation with the provider. Who the user is here, and which roles the user has, is ours: the
provider only proves a name.
"""

from __future__ import annotations

import secrets
import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import httpx
from authlib import deprecate
from authlib.integrations.base_client import OAuthError
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from sync_platform.errors import AuthenticationFailed
from sync_platform.server.address import public_url
from sync_platform.settings import Settings

with warnings.catch_warnings():
    warnings.simplefilter("ignore", deprecate.AuthlibDeprecationWarning)  # it will want another HTTP library one day
    from authlib.integrations.httpx_client import OAuth2Client

CALLBACK = "/login/oidc/callback"
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"]
"""Of signatures: those with a public key only."""
SCOPE = "openid profile email"
TIMEOUT_S = 10.0


@dataclass(frozen=True)
class LoginAttempt:
    """What one login must prove when the provider leads back: random values that only this browser has."""

    state: str
    nonce: str
    verifier: str

    @classmethod
    def new(cls) -> LoginAttempt:
        return cls(*(secrets.token_urlsafe(32) for _ in range(3)))

    @property
    def text(self) -> str:
        return ".".join((self.state, self.nonce, self.verifier))

    @classmethod
    def parse(cls, text: str) -> LoginAttempt | None:
        parts = text.split(".")
        return cls(*parts) if len(parts) == 3 and all(parts) else None


class OidcProvider:
    """The provider of the settings. `transport`: of its HTTP requests; None: the network."""

    def __init__(self, settings: Settings, transport: httpx.BaseTransport | None = None) -> None:
        self._settings, self._transport = settings, transport
        self._callback = f"{public_url(settings)}{CALLBACK}"

    def login_url(self, attempt: LoginAttempt) -> str:
        """Where the browser is led to log in; AuthenticationFailed where the provider cannot be asked."""
        with self._client() as client:
            url, _ = client.create_authorization_url(
                self._metadata["authorization_endpoint"],
                state=attempt.state,
                nonce=attempt.nonce,
                code_verifier=attempt.verifier,
            )
            return str(url)

    def name_of(self, code: str, attempt: LoginAttempt) -> str:
        """The name that the provider proves; AuthenticationFailed if it proves none."""
        try:
            with self._client() as client:
                token = client.fetch_token(self._metadata["token_endpoint"], code=code, code_verifier=attempt.verifier)
                answer = client.request("GET", self._metadata["jwks_uri"], withhold_token=True)
                keys = answer.raise_for_status().json()
            claims = self._proven(token["id_token"], keys, attempt.nonce)
        except (OAuthError, JoseError, httpx.HTTPError, KeyError, ValueError) as error:
            raise AuthenticationFailed(f"the provider does not prove who it is: {type(error).__name__}") from error
        name = claims.get(self._settings.oidc_name_claim)
        if not isinstance(name, str) or not name:
            raise AuthenticationFailed(f"the provider sends no claim {self._settings.oidc_name_claim!r}")
        if self._settings.oidc_name_claim == "email" and claims.get("email_verified") is not True:
            raise AuthenticationFailed("the provider has not verified the e-mail address")
        return name

    def _proven(self, id_token: str, keys: Any, nonce: str) -> dict[str, Any]:
        token = jwt.decode(id_token, KeySet.import_key_set(keys), algorithms=ALGORITHMS)
        jwt.JWTClaimsRegistry(
            iss={"essential": True, "value": self._metadata["issuer"]},
            aud={"essential": True, "value": self._settings.oidc_client_id},
            exp={"essential": True},
            nonce={"essential": True, "value": nonce},
        ).validate(token.claims)
        return dict(token.claims)

    @cached_property
    def _metadata(self) -> dict[str, Any]:
        """What the provider publishes about itself (OpenID Connect Discovery 1.0)."""
        issuer = self._settings.oidc_issuer
        try:
            with httpx.Client(transport=self._transport, timeout=TIMEOUT_S) as client:
                answer = client.get(f"{issuer.rstrip('/')}/.well-known/openid-configuration").raise_for_status()
            metadata: dict[str, Any] = answer.json()
            if metadata["issuer"].rstrip("/") != issuer.rstrip("/"):
                raise ValueError("another issuer")
        except (httpx.HTTPError, KeyError, ValueError) as error:
            raise AuthenticationFailed(f"OIDC_ISSUER={issuer!r} cannot be used: {error}") from error
        return metadata

    def _client(self) -> OAuth2Client:
        return OAuth2Client(
            self._settings.oidc_client_id,
            self._settings.oidc_client_secret,
            scope=SCOPE,
            redirect_uri=self._callback,
            code_challenge_method="S256",
            transport=self._transport,
            timeout=TIMEOUT_S,
        )
