"""The resources of assets. The UI shows the description of each option."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path

import dagster as dg
import sqlalchemy as sa
from pydantic import Field, PrivateAttr

from sync_platform.errors import NoLakeYet, SyncError
from sync_platform.lake.file_proof import FileProof
from sync_platform.landing.source import Source, resolve_source
from sync_platform.settings import Settings, platform_settings
from sync_platform.sources.declaration import Platform
from sync_platform.sources.sandbox_process import sandbox_url
from sync_platform.storage.bucket_store import ServerEncryption
from sync_platform.storage.file_lists import FileLists
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import Lake
from sync_platform.storage.ledger import Ledger
from sync_platform.storage.missing_lake import require_not_lost
from sync_platform.storage.object_store import ObjectStore
from sync_platform.storage.objects import open_store
from sync_platform.storage.s3_client import ATTEMPTS, open_other_s3_client
from sync_platform.vault.key_place import KeyPlace
from sync_platform.vault.kms_key import KmsKey
from sync_platform.vault.platform_secrets import PlatformSecrets
from sync_platform.vault.seal import Vault
from sync_platform.vault.vault_address import VaultAddress


class StoreResource(dg.ConfigurableResource[ObjectStore]):
    """An object store: that of landed pages, or that of backups."""

    url: str = Field(description="`file:///folder` or `s3://bucket/prefix` of the store.")
    region: str = Field(description="AWS region of the bucket.")
    endpoint: str = Field(description="Endpoint of an S3 server that is not AWS; empty for AWS.")
    asks_encryption: bool = Field(default=False, description="Whether S3 is asked to encrypt what is put.")
    kms_key_id: str = Field(default="", description="KMS key for that; empty for a key that S3 manages.")

    def open(self) -> ObjectStore:
        """The store; StorageError or SettingsError where it cannot be opened."""
        if not self.url.startswith("s3://"):
            return open_store(self.url)
        encryption = None
        if self.asks_encryption:
            with_key = ServerEncryption.with_kms(self.kms_key_id) if self.kms_key_id else None
            encryption = with_key or ServerEncryption.of_bucket()
        if self.endpoint:
            return open_store(self.url, open_other_s3_client(self.region, self.endpoint), encryption)
        from dagster_aws.s3 import S3Resource  # the import takes two seconds, and only a bucket of AWS needs it

        return open_store(self.url, S3Resource(region_name=self.region, max_attempts=ATTEMPTS).get_client(), encryption)


class LakeResource(dg.ConfigurableResource[Lake]):
    """The lake: DuckDB over Parquet files and a SQL catalog (DuckLake)."""

    catalog: str = Field(description="`sqlite:PATH` or `postgres:CONNINFO` of the catalog.")
    data: str = Field(description="Folder or `s3://` URL of the Parquet files.")
    temp: str = Field(description="Folder where large queries spill.")
    region: str = Field(description="AWS region of the bucket, where data is in one.")
    endpoint: str = Field(description="Endpoint of an S3 server that is not AWS; empty for AWS.")
    history: str = Field(description="Table of all changes, as `schema.table`.")
    ledger_url: str = Field(description="SQLAlchemy URL of the ledger, which has the digests of the lake's files.")
    _lake: Lake | None = PrivateAttr(default=None)

    @property
    def address(self) -> LakeAddress:
        return LakeAddress(self.catalog, self.data, Path(self.temp), self.region, self.endpoint)

    def open(self) -> Lake:
        """The lake, one connection per run; StorageError where its catalog was lost."""
        if self._lake is None:
            require_not_lost(self.address)
            self._lake = Lake(self.address)
        return self._lake

    def require_readable(self) -> None:
        """StorageError where the lake cannot be read, such as one that a newer version made; it need not exist yet."""
        with suppress(NoLakeYet), Lake(self.address, read_only=True) as lake, lake.session():
            pass

    @contextmanager
    def file_proof(self, lake: Lake) -> Iterator[FileProof]:
        """The proof of the files of this lake; StorageError or SettingsError where a store cannot be opened."""
        url = self.data if self.address.is_remote else Path(self.data).absolute().as_uri()
        store = StoreResource(url=url, region=self.region, endpoint=self.endpoint)
        lists = FileLists(self.ledger_url)
        try:
            yield FileProof(lake, store.open(), lists)
        finally:
            lists.close()

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:
        if self._lake is not None:
            self._record_files(self._lake, context)
            self._lake.close()
            self._lake = None

    def _record_files(self, lake: Lake, context: dg.InitResourceContext) -> None:
        """Record the files that the run wrote. If that fails, its commits remain valid; the next run records them."""
        try:
            with self.file_proof(lake) as files:
                files.record_new()
        except SyncError as error:
            if context.log is not None:
                context.log.warning(f"the lake's new files could not be recorded, the next run does it: {error}")


class VaultResource(dg.ConfigurableResource[Vault]):
    """The vault: the keys that seal personal fields and the secrets of platforms."""

    url: str = Field(description="SQLAlchemy URL of the vault's database, separate from lake and landing.")
    key_file: str = Field(description="Master key file, created with mode 0600 on first use.")
    kms_key_id: str = Field(description="KMS key that wraps the master key instead of a key file; empty for none.")
    secret_id: str = Field(description="Secret in Secrets Manager that has the master key instead; empty for none.")
    region: str = Field(description="AWS region of KMS and Secrets Manager.")
    endpoint: str = Field(description="Endpoint of a server to use instead of AWS; empty for AWS.")
    ledger_url: str = Field(description="SQLAlchemy URL of the ledger, which has the sealed secrets.")
    refuses_undeclared: bool = Field(
        default=False,
        description="Whether a field that looks personal and is not declared is refused, instead of sealed.",
    )

    _vault: Vault | None = PrivateAttr(default=None)

    @property
    def address(self) -> VaultAddress:
        key_file = Path(self.key_file)
        return VaultAddress(self.url, key_file, self.kms_key_id, self.secret_id, self.region, self.endpoint)

    @property
    def vault(self) -> Vault:
        """The vault, opened anew after a rotation; StorageError where its database or master key cannot be used."""
        if self._vault is None or not self._vault.is_current():
            self._vault = self.address.open(self._vault.engine if self._vault else None)
        return self._vault

    def key_place(self, engine: sa.Engine) -> KeyPlace:
        """Where the master key is stored; `engine` is of the vault's database."""
        return self.address.key_place(engine)

    @property
    def is_new(self) -> bool:
        """True if the vault was never used: opening it would make its master key."""
        return self.address.is_new

    def has_key(self) -> bool:
        """True if the master key is there."""
        return self.address.has_key()

    def platform_secrets(self, platform: str) -> PlatformSecrets:
        """The store of the secrets that a platform issues, such as a rotated refresh token."""
        return PlatformSecrets(Ledger(self.ledger_url), self.vault, platform)

    def kms_key(self, kms_key_id: str, engine: sa.Engine) -> KmsKey:
        """The master key that this KMS key wraps."""
        return self.address.kms_key(kms_key_id, engine)


class Sources(dg.ConfigurableResource[None]):
    """Where platforms are fetched from: their own addresses, or the built-in sandbox where none is set."""

    timeout_s: float = Field(description="Seconds to wait for a response of a platform.")
    attempts: int = Field(description="Attempts per request before it counts as failed.")
    body_limit_mb: int = Field(description="Largest answer of a platform in MB, decoded.")
    longest_pause_s: float = Field(description="Longest pause in seconds that a platform may ask of a run.")
    sandbox_places: int = Field(description="Places in the sandbox's invented Hong Kong.")
    sandbox_seed: int = Field(description="Seed of the sandbox's invented Hong Kong.")
    sandbox_today: str = Field(description="The sandbox's date, YYYY-MM-DD; empty for today.")

    def source_of(self, platform: Platform) -> Source:
        """The platform's source; TermsNotAccepted for a live address whose terms are not accepted."""
        own = platform_settings(platform.name)
        sandbox = None if own.base_url else self._sandbox()
        return resolve_source(
            platform,
            own,
            sandbox,
            timeout_s=self.timeout_s,
            attempts=self.attempts,
            body_limit_mb=self.body_limit_mb,
            longest_pause_s=self.longest_pause_s,
            sandbox_day=self._sandbox_day,
        )

    @property
    def _sandbox_day(self) -> date | None:
        return date.fromisoformat(self.sandbox_today) if self.sandbox_today else None

    def _sandbox(self) -> str:
        return sandbox_url(self.sandbox_places, self.sandbox_seed, self._sandbox_day)


def landing_store_of(settings: Settings) -> StoreResource:
    return store_of(settings, settings.landing_url)


def store_of(settings: Settings, url: str) -> StoreResource:
    """An object store at any address, with the installation's AWS settings."""
    return StoreResource(url=url, region=settings.aws_region, endpoint=settings.aws_endpoint_url)


def backup_store_of(settings: Settings) -> StoreResource:
    """The store of backups; on S3 every put asks for encryption."""
    return StoreResource(
        url=settings.backup_url,
        region=settings.aws_region,
        endpoint=settings.aws_endpoint_url,
        asks_encryption=True,
        kms_key_id=settings.s3_backup_kms_key_id,
    )


def replica_store_of(settings: Settings) -> StoreResource | None:
    """The store of the replica; None where there is none. Its KMS, if any, is its bucket's default."""
    if not settings.backup_replica:
        return None
    return StoreResource(
        url=settings.backup_replica,
        region=settings.backup_replica_region or settings.aws_region,
        endpoint=settings.backup_replica_endpoint_url or settings.aws_endpoint_url,
        asks_encryption=True,
    )


def lake_of(settings: Settings) -> LakeResource:
    return LakeResource(
        catalog=settings.catalog_url,
        data=settings.lake_data_url,
        temp=str(settings.temp),
        region=settings.aws_region,
        endpoint=settings.aws_endpoint_url,
        history=settings.lineage_table_name,
        ledger_url=settings.ledger_url,
    )


def vault_of(settings: Settings) -> VaultResource:
    return VaultResource(
        url=settings.vault_url,
        key_file=str(settings.master_key_file),
        kms_key_id=settings.vault_kms_key_id,
        secret_id=settings.vault_secret_id,
        region=settings.aws_region,
        endpoint=settings.aws_endpoint_url,
        ledger_url=settings.ledger_url,
        refuses_undeclared=settings.undeclared_personal == "refuse",
    )


def sources_of(settings: Settings) -> Sources:
    return Sources(
        timeout_s=settings.http_timeout_s,
        attempts=settings.http_attempts,
        body_limit_mb=settings.http_body_limit_mb,
        longest_pause_s=settings.http_longest_pause_s,
        sandbox_places=settings.sandbox_places,
        sandbox_seed=settings.sandbox_seed,
        sandbox_today=settings.sandbox_today.isoformat() if settings.sandbox_today else "",
    )
