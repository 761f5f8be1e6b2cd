"""The examples of docs/integrations.md are valid, and open to the role that their headings name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from dagster_graphql.schema import create_schema
from graphql import FieldNode, OperationDefinitionNode, parse, validate

from sync_platform.permissions.actor import Actor
from sync_platform.permissions.role import Role
from sync_platform.server.access_table import is_open_to, load_access_table

PAGE = (Path(__file__).parents[2] / "docs" / "integrations.md").read_text()
EXAMPLES = {
    (title, number): (Role(role), query)
    for title, role, section in re.findall(r"^## ([^\n]+) \((\w+)\)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    for number, query in enumerate(re.findall(r"```graphql\n(.*?)```", section, re.DOTALL))
}
SCHEMA = create_schema().graphql_schema
TABLE = load_access_table()


def test_there_are_examples() -> None:
    assert len(EXAMPLES) == 5


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_is_valid_and_open_to_its_role(example: tuple[str, int]) -> None:
    role, query = EXAMPLES[example]
    document = parse(query)
    assert validate(SCHEMA, document) == []
    (operation,) = document.definitions
    assert isinstance(operation, OperationDefinitionNode)
    listed = {"query": TABLE.queries, "mutation": TABLE.mutations, "subscription": TABLE.subscriptions}
    for field in operation.selection_set.selections:
        assert isinstance(field, FieldNode)
        needs = listed[operation.operation.value][field.name.value]
        assert is_open_to(needs, Actor("x", frozenset({role})))
