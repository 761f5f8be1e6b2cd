"""A failure to reach an address through a proxy of the environment names the proxy, and never its password."""

from __future__ import annotations

import asyncio
from pathlib import Path

import duckdb
import pytest

from sync_platform.errors import ConnectionFailed, DeliveryFailed, StorageError
from sync_platform.monitoring.webhook_channel import post_document
from sync_platform.sources.client import Client
from sync_platform.sources.pace import Pacer
from sync_platform.sources.reply import Reply
from sync_platform.storage.bucket_store import BucketStore
from sync_platform.storage.duckdb_s3 import RETRIES
from sync_platform.storage.environment_proxy import EnvironmentProxy, named_proxy
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import Lake
from sync_platform.storage.s3_client import open_other_s3_client

PASSWORD = "s3cr%2Ft"
NAMED = " through the proxy http://127.0.0.1:9"
SERVER = "http://s3.example:9000"


@pytest.fixture(autouse=True)
def dead_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy at a port where nobody listens."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name in ("HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, f"http://joe:{PASSWORD}@127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")


def test_the_proxy_of_an_address_is_that_of_its_scheme_unless_it_is_reached_directly(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert EnvironmentProxy.of("https://a.example/x") == EnvironmentProxy("http://127.0.0.1:9", "joe", "s3cr/t")
    monkeypatch.setenv("NO_PROXY", "a.example, .b.example:9000, localhost")
    for direct in ("https://a.example", "http://x.a.example:1", "http://localhost:8", "no address", "http://[::1"):
        assert named_proxy(direct) == ""
    monkeypatch.delenv("HTTPS_PROXY")
    assert named_proxy("https://c.example") == ""
    monkeypatch.setenv("ALL_PROXY", "10.0.0.1:3128")
    assert named_proxy("https://c.example") == " through the proxy http://10.0.0.1:3128"
    assert named_proxy("https://c.example", also_all=False) == ""


def test_a_platform_that_is_not_reached_through_a_proxy(caplog: pytest.LogCaptureFixture) -> None:
    async def get() -> Reply:
        pacer = Pacer(None, 1)
        async with Client("p", "http://p.example", headers={}, pacer=pacer, concurrency=1, attempts=1) as client:
            return await client.get("/x", read=lambda reply: reply)

    with pytest.raises(ConnectionFailed, match=f"connection to http://p.example/x{NAMED} failed: ") as failed:
        asyncio.run(get())
    assert PASSWORD not in f"{failed.value}{caplog.text}"


def test_a_webhook_that_is_not_reached_through_a_proxy() -> None:
    with pytest.raises(DeliveryFailed, match=f"the webhook cannot be reached{NAMED}: "):
        post_document("http://hook.example/secret", {}, {})


def test_a_bucket_that_is_not_reached_through_a_proxy() -> None:
    store = BucketStore(open_other_s3_client("us-east-1", SERVER), "bucket")
    with pytest.raises(StorageError, match=r"proxy URL: \"http://\*\*\*:\*\*\*@127.0.0.1:9\""):
        store.get("key")


def test_a_lake_that_is_not_reached_through_a_proxy_and_one_that_is_reached_directly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DuckDB cannot read a login in the address of a proxy, and quoted it."""
    monkeypatch.setitem(RETRIES, "http_retries", 0)
    for no_proxy, named in (("", NAMED), ("s3.example", "")):
        monkeypatch.setenv("NO_PROXY", no_proxy)
        catalog = f"sqlite:{tmp_path}/{len(no_proxy)}.sqlite"
        address = LakeAddress(catalog, "s3://b/lake", tmp_path / "temp", region="us-east-1", endpoint=SERVER)
        with Lake(address) as lake:
            with pytest.raises(StorageError) as failed, lake.session() as session:
                session.execute("FROM 's3://b/x.parquet'")
            assert str(failed.value).endswith(f"'{SERVER}/b/x.parquet'{named}")
            with lake.session() as session:
                assert proxy_of(session) == (["http://127.0.0.1:9", "s3cr/t", "joe"] if named else ["", "", ""])


def proxy_of(session: duckdb.DuckDBPyConnection) -> list[str]:
    settings = "SELECT value FROM duckdb_settings() WHERE name LIKE 'http_proxy%' ORDER BY name"
    return [value for (value,) in session.execute(settings).fetchall()]
