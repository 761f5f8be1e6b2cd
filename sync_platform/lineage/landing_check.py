"""Verifies the landing store: every object must have the SHA-256 that its manifest names."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from sync_platform.errors import DamagedManifest
from sync_platform.lake.chain import Batch
from sync_platform.landing.manifest import Manifest, find_manifest, manifest_digest
from sync_platform.landing.retention import LANDING
from sync_platform.lineage.findings import Break, Findings
from sync_platform.storage.object_store import ObjectStore


def check_landing(store: ObjectStore, chain: Sequence[Batch], findings: Findings) -> None:
    """Read and hash every landed object. Retention deletes objects together with their manifest.

    The manifest of a sync with changes must be the one that their batch names. A sync without changes has no batch.
    """
    findings.landed_objects = 0
    named: dict[str, str] = {}
    for batch in reversed(chain):
        named |= batch.chained_manifests
    for key in store.keys(LANDING):
        if not key.endswith("/manifest.json"):
            continue
        try:
            manifest = find_manifest(store, key)
        except DamagedManifest as error:
            findings.breaks.append(Break("landing", str(error)))
            continue
        if manifest is None:
            continue  # deleted after it was listed
        if named.get(key) not in (None, manifest_digest(store, key)):
            what = f"the manifest {key} is not the one that the chain of batches names"
            findings.breaks.append(Break("landing", what, None, manifest.platform, manifest.dataset))
        for object_key, expected in manifest.objects.items():
            findings.landed_objects += 1
            problem = _problem(store, object_key, expected)
            if problem and find_manifest(store, key) is not None:
                findings.breaks.append(_break(manifest, object_key, problem))


def _problem(store: ObjectStore, key: str, expected: str) -> str | None:
    try:
        digest = hashlib.sha256(store.get(key)).hexdigest()
    except KeyError:
        return "is gone"
    return None if digest == expected else f"hashes to {digest[:12]}…, its manifest says {expected[:12]}…"


def _break(manifest: Manifest, key: str, problem: str) -> Break:
    what = f"the object {key} {problem}"
    return Break("landing", what, None, manifest.platform, manifest.dataset, manifest.observed_at)
