"""Signatures: Ed25519 (RFC 8032) with a key derived from the master key.

A MAC is not enough, because everyone who can check a MAC can also make one. An auditor checks a signature with the
public key alone and needs no secret.
"""

from __future__ import annotations

import base64

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sync_platform.vault.master_key import MasterKey


class Signer:
    """Signs for one use of the master key, such as `lineage-anchor`."""

    def __init__(self, master: MasterKey, use: str) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(master.derive(use))

    @property
    def public_key(self) -> str:
        """The public key's 32 bytes in hex."""
        return self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()

    def sign(self, message: bytes) -> str:
        """The signature, base64."""
        return base64.b64encode(self._key.sign(message)).decode()


def is_signed(message: bytes, signature: str, public_key: str) -> bool:
    """True if the owner of the key signed this message."""
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key))
        key.verify(base64.b64decode(signature, validate=True), message)
    except (InvalidSignature, ValueError):
        return False
    return True
