"""Anchors: the last links of the chains, signed and stored outside the lake. They reveal a rewritten chain.

An anchor is a JSON object: `format`, `anchored_at`, `batches`, `audit_log` and `files` (each `number` and `link`),
`public_key` (hex), and `signature` (Ed25519, base64) of the other keys, as JSON with sorted keys and without spaces.
An anchor from before the chain of file lists has no `files`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from sync_platform.errors import StorageError
from sync_platform.lineage.findings import Break, Findings
from sync_platform.lineage.restored_lake import RestoredLake, is_replaced
from sync_platform.storage.audit_log import AuditEntry
from sync_platform.storage.hash_chain import FIRST, ChainEntry
from sync_platform.storage.object_store import ObjectStore
from sync_platform.storage.operation_name import OperationName
from sync_platform.vault.signature import Signer, is_signed

FORMAT = "sync-platform anchor 1"
FOLDER = "anchors/"
OTHER_KEY = "it is signed under another key than the vault's"


@dataclass(frozen=True)
class ChainHead:
    """The number and the link of the last entry of a chain; 0 and 64 zeros for an empty chain."""

    number: int
    link: str

    @classmethod
    def of(cls, chain: Sequence[ChainEntry]) -> ChainHead:
        return cls(chain[-1].number, chain[-1].link) if chain else cls(0, FIRST)


@dataclass(frozen=True)
class Anchor:
    """An anchor as read: its address, its content, and its problem, if any."""

    name: str
    document: dict[str, Any]
    problem: str | None = None

    def head(self, chain: str) -> ChainHead:
        return ChainHead(**self.document[chain])


def write_anchor(store: ObjectStore, signer: Signer, batches: ChainHead, audit_log: ChainHead, files: ChainHead) -> str:
    """Sign the last links of the chains and write them to the store; returns the key. Nothing is overwritten.

    Raises StorageError where the newest anchor in the store is signed under another key.
    """
    _require_same_key(store, signer)
    now = datetime.now(UTC)
    signed = {
        "format": FORMAT,
        "anchored_at": now.isoformat(),
        "batches": vars(batches),
        "audit_log": vars(audit_log),
        "files": vars(files),
        "public_key": signer.public_key,
    }
    body = {**signed, "signature": signer.sign(_message(signed))}
    key = f"{FOLDER}{now:%Y-%m-%dT%H-%M-%S-%fZ}-{batches.number}-{audit_log.number}.json"
    store.put_new(key, orjson.dumps(body, option=orjson.OPT_INDENT_2) + b"\n")
    return key


def _require_same_key(store: ObjectStore, signer: Signer) -> None:
    newest = max(store.keys(FOLDER), default=None)
    if newest is None:
        return
    anchor = fetch_anchor(store, newest, signer.public_key)
    if anchor.document.get("public_key", signer.public_key) != signer.public_key:
        raise StorageError(
            f"the newest anchor, {anchor.name}, is signed under another master key: use that key, or anchor elsewhere"
        )


def read_anchors(store: ObjectStore, public_key: str | None) -> list[Anchor]:
    """Every anchor in the store, oldest first."""
    return [read_anchor(f"{store.url}/{key}", store.get(key), public_key) for key in store.keys(FOLDER)]


def read_anchor(name: str, body: bytes, public_key: str | None) -> Anchor:
    """An anchor from its bytes; with a `problem` if it has another format or key, or does not match its signature.

    `public_key`: None where the vault's key is not known: the signature is checked with the key in the anchor.
    """
    try:
        document = orjson.loads(body)
        signature = document.pop("signature")
        anchor = Anchor(name, document)
        anchor.head("batches"), anchor.head("audit_log")
        if document["format"] != FORMAT:
            return Anchor(name, {}, f"it is of another format: {document['format']!r}")
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        return Anchor(name, {}, "it is no anchor")
    if public_key not in (None, document["public_key"]):
        return Anchor(name, document, OTHER_KEY)
    if not is_signed(_message(document), signature, document["public_key"]):
        return Anchor(name, document, "it was changed after it was signed")
    return anchor


def fetch_anchor(store: ObjectStore, key: str, public_key: str | None) -> Anchor:
    """One anchor; StorageError if it does not exist."""
    try:
        return read_anchor(f"{store.url}/{key}", store.get(key), public_key)
    except KeyError:
        raise StorageError(f"there is no anchor {store.url}/{key}") from None


def check_anchors(
    anchors: Sequence[Anchor],
    chains: Mapping[str, Sequence[ChainEntry]],
    findings: Findings,
    restores: Sequence[RestoredLake] = (),
) -> None:
    """Check that each chain has each anchored link at the anchored number. `chains`: by their names in an anchor.

    What one of `restores` replaced after the anchor was made is not compared.
    """
    links = {name: {0: FIRST, **{entry.number: entry.link for entry in chain}} for name, chain in chains.items()}
    for anchor in anchors:
        findings.anchors += 1
        if anchor.problem:
            if _is_of_lost_key(anchor, restores):
                findings.anchors_before_restore.append(anchor.name)
                continue
            findings.breaks.append(Break(f"anchor {anchor.name}", anchor.problem))
            continue
        for chain, present in links.items():
            if chain not in anchor.document:  # it is from before this chain
                continue
            head, anchored_at = anchor.head(chain), datetime.fromisoformat(anchor.document["anchored_at"])
            if is_replaced(anchored_at, chain, head.number, restores):
                if anchor.name not in findings.anchors_before_restore:
                    findings.anchors_before_restore.append(anchor.name)
            elif head.number not in present:
                what = (
                    f"the chain of {chain} had {head.number:,} entries then, and has {max(present):,} now: it was cut"
                )
                findings.breaks.append(Break(f"anchor {anchor.name}", what, at=anchored_at))
            elif present[head.number] != head.link:
                what = f"entry {head.number} of the chain of {chain} has another link than then: it was rewritten"
                findings.breaks.append(Break(f"anchor {anchor.name}", what, at=anchored_at))


def check_presence(
    anchors: Sequence[Anchor], store_url: str, audit_log: Sequence[AuditEntry], findings: Findings
) -> None:
    """Check that every anchor that the audit log names still exists; one of another store cannot be looked for.

    A store that was moved has another address: an anchor's key, which no other anchor has, is enough to find it.
    """
    keys = {anchor.name.rpartition(FOLDER)[2] for anchor in anchors}
    for entry in audit_log:
        subject = entry.details if entry.operation == OperationName.anchor else {}
        key = subject.get("key")
        if key is None or key.removeprefix(FOLDER) in keys:
            continue
        name = f"{subject.get('store')}/{key}"
        if subject.get("store") == store_url:
            what = f"it is gone, though entry {entry.number} of the audit log says that it was made"
            findings.breaks.append(Break(f"anchor {name}", what, at=entry.at))
        else:
            findings.anchors_elsewhere.append(name)


def _is_of_lost_key(anchor: Anchor, restores: Sequence[RestoredLake]) -> bool:
    """True if it was signed under another key before this ledger began with a restore."""
    if anchor.problem != OTHER_KEY:
        return False
    anchored_at = datetime.fromisoformat(anchor.document["anchored_at"])
    return is_replaced(anchored_at, "audit_log", 0, restores)


def _message(signed: dict[str, Any]) -> bytes:
    return orjson.dumps(signed, option=orjson.OPT_SORT_KEYS)
