"""Terraform's files, evaluated without AWS: variables, locals, for_each and modules are resolved.

Values that only AWS knows (ARNs, ids) stay open.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tfparse import load_from_path

from sync_platform_tests.tree import ROOT

FOLDER = ROOT / "infrastructure" / "terraform"
ENVIRONMENTS = ("development", "staging", "production")
OF_TERRAFORM = {"__tfmeta", "id", "for_each", "count", "provider", "depends_on", "lifecycle", "timeouts"}
"""Arguments of every resource, which the provider does not declare; `id` is made by the evaluation."""
Block = dict[str, Any]


class Declared:
    """What one environment declares, with the values of its example."""

    def __init__(self, environment: str) -> None:
        self.environment = environment
        folder, values = FOLDER / "environments" / environment, ["terraform.tfvars.example"]
        self._found: dict[str, list[Block]] = load_from_path(str(folder), vars_paths=values)

    def of(self, kind: str) -> list[Block]:
        """The resources of a type. The test fails where there is none: the type was renamed, or the file is gone."""
        found = [each for each in self._found.get(kind, []) if each["__tfmeta"]["type"] == "resource"]
        assert found, f"no {kind} is declared"
        return found

    def all(self) -> Iterator[tuple[str, str, Block]]:
        """Every resource and data source of AWS, with `resource` or `data`, and its type."""
        for kind, blocks in self._found.items():
            for block in blocks:
                if kind.startswith("aws_") and block["__tfmeta"]["type"] in ("resource", "data"):
                    yield block["__tfmeta"]["type"], kind, block


def place(block: Block) -> str:
    """Where a resource is declared."""
    return str(block["__tfmeta"].get("path", block["__tfmeta"]["filename"]))


def blocks(value: Any) -> list[Block]:
    """The nested blocks of an argument: the evaluation gives one as an object and several as a list."""
    return value if isinstance(value, list) else [value]


def provider_names() -> dict[str, dict[str, Block]]:
    """The arguments of every type in use, from the schema of the AWS provider 6.62.

    By kind and type: each argument with `required`, `computed` (it cannot be set) and `block` (its own arguments).
    A type that is used for the first time is added from `terraform providers schema -json`.
    """
    names: dict[str, dict[str, Block]] = json.loads(Path(__file__).with_name("aws_names.json").read_text())
    return names
