"""The master key in AWS Secrets Manager: a secret whose text is that of a key file.

The present key is the version AWSCURRENT, a proposed one AWSPENDING, as in rotations by Secrets Manager itself.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from sync_platform.errors import StorageError
from sync_platform.vault.master_key import MasterKey

PRESENT, PROPOSED = "AWSCURRENT", "AWSPENDING"
EXISTS = "ResourceExistsException"


class SecretsClient(Protocol):
    """The operations of boto3's client `secretsmanager` that are used."""

    def get_secret_value(self, **asked: Any) -> dict[str, Any]: ...

    def create_secret(self, **asked: Any) -> dict[str, Any]: ...

    def put_secret_value(self, **asked: Any) -> dict[str, Any]: ...

    def describe_secret(self, **asked: Any) -> dict[str, Any]: ...

    def update_secret_version_stage(self, **asked: Any) -> dict[str, Any]: ...


class StoredSecret:
    """The master key in one secret, by its name or ARN."""

    is_outside = True

    def __init__(self, client: SecretsClient, secret_id: str) -> None:
        self._client, self._id = client, secret_id
        self.name = f"the master key in the secret VAULT_SECRET_ID={secret_id!r}"

    def is_present(self) -> bool:
        return self.present() is not None

    def present(self) -> MasterKey | None:
        return self._version(PRESENT)

    def proposed(self) -> MasterKey | None:
        return self._version(PROPOSED)

    def create(self) -> MasterKey:
        self._put_first(MasterKey.new())
        stored = self.present()
        if stored is None:
            raise StorageError(f"{self.name} cannot be read back after it was stored")
        return stored

    def propose(self, key: MasterKey) -> None:
        if self.present() is None:
            self._put_first(key)
            return
        with self._errors():
            self._client.put_secret_value(SecretId=self._id, SecretString=key.text, VersionStages=[PROPOSED])

    def accept(self) -> None:
        with self._errors():
            versions = self._client.describe_secret(SecretId=self._id)["VersionIdsToStages"]
            of_stage = {stage: version for version, stages in versions.items() for stage in stages}
            proposed, present = of_stage.get(PROPOSED), of_stage.get(PRESENT)
            if proposed is None or proposed == present:
                return
            moved = {"MoveToVersionId": proposed, "RemoveFromVersionId": present}
            self._client.update_secret_version_stage(SecretId=self._id, VersionStage=PRESENT, **moved)

    def _put_first(self, key: MasterKey) -> None:
        """Store the first key. Of two processes one wins: both use the same token, and its second value is refused."""
        token = str(uuid.uuid5(uuid.NAMESPACE_URL, f"sync-platform/{self._id}"))
        with self._errors(EXISTS):
            self._client.create_secret(Name=self._id, SecretString=key.text, ClientRequestToken=token)
            return
        with self._errors(EXISTS):  # the secret exists, without a value or with the other process's
            if self.present() is None:
                self._client.put_secret_value(SecretId=self._id, SecretString=key.text, ClientRequestToken=token)

    def _version(self, stage: str) -> MasterKey | None:
        with self._errors("ResourceNotFoundException"):
            answer = self._client.get_secret_value(SecretId=self._id, VersionStage=stage)
            return MasterKey.from_text(str(answer.get("SecretString", "")), self.name)
        return None

    @contextmanager
    def _errors(self, expected: str = "") -> Iterator[None]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            yield
        except (ClientError, BotoCoreError) as error:
            if _code(error) != expected:
                raise StorageError(f"VAULT_SECRET_ID={self._id!r}: Secrets Manager refused: {error}") from error


def _code(error: Exception) -> str:
    response: dict[str, Any] = getattr(error, "response", {})
    return str(response.get("Error", {}).get("Code", ""))
