"""How DuckDB reaches an S3 server: credentials, address, and the retries while the server is busy."""

from __future__ import annotations

import duckdb

from sync_platform.errors import StorageError
from sync_platform.storage.amazon_session import amazon_session
from sync_platform.storage.environment_proxy import EnvironmentProxy
from sync_platform.storage.sql_text import sql_text

RETRIES = {"http_retries": 9, "http_retry_wait_ms": 250, "http_retry_backoff": 2}
"""A failed request is repeated at once, then after 0.25, 0.5, 1 s and so on: a minute in all."""


def use_s3(connection: duckdb.DuckDBPyConnection, data: str, region: str, endpoint: str) -> None:
    """Let a connection with the httpfs extension use an S3 server. `endpoint`: its address; empty for AWS.

    StorageError, naming `data`, where the environment has no credentials.
    """
    credentials = amazon_session().get_credentials()
    if credentials is None:
        raise StorageError(f"{data} needs AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
    parts = {"KEY_ID": credentials.access_key, "SECRET": credentials.secret_key, "REGION": region}
    if credentials.token:
        parts["SESSION_TOKEN"] = credentials.token
    if endpoint:
        scheme, _, host = endpoint.rstrip("/").rpartition("://")
        parts |= {"ENDPOINT": host, "URL_STYLE": "path", "USE_SSL": "false" if scheme == "http" else "true"}
    options = ", ".join(f"{name} {sql_text(value)}" for name, value in parts.items())
    connection.execute(f"CREATE SECRET (TYPE s3, {options})")
    _use_proxy(connection, endpoint or f"https://s3.{region}.amazonaws.com")
    # for the whole instance: a SET without GLOBAL would hold for this connection alone, and not for the sessions
    for name, value in RETRIES.items():
        connection.execute(f"SET GLOBAL {name} = {value}")


def _use_proxy(connection: duckdb.DuckDBPyConnection, server: str) -> None:
    """Let the connection use the proxy of the environment, as boto3 does: DuckDB knows no NO_PROXY, and reads no login
    in the address of a proxy."""
    proxy = EnvironmentProxy.of(server, also_all=False) or EnvironmentProxy("")
    settings = {"http_proxy": proxy.address, "http_proxy_username": proxy.user, "http_proxy_password": proxy.password}
    for name, value in settings.items():
        connection.execute(f"SET GLOBAL {name} = {sql_text(value)}")
