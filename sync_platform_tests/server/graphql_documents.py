"""Generated GraphQL requests: valid documents of a schema, with aliases, fragments and variables.

What belongs here: the drawing of documents. What must be true of the answers belongs to the tests.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    is_leaf_type,
    is_required_argument,
    is_required_input_field,
)
from hypothesis import strategies as st

MOST_DEPTH = 6
TEXTS = st.one_of(
    st.sampled_from(["", "chope", "00000000-0000-0000-0000-000000000000", "__repository__", "2026-11", "../x", "\0"]),
    st.text(max_size=20),
)
SCALARS: dict[str, st.SearchStrategy[Any]] = {
    "Int": st.integers(-(2**31), 2**31 - 1),
    "Float": st.floats(allow_nan=False, allow_infinity=False),
    "BigInt": st.one_of(st.integers(), TEXTS),
    "Boolean": st.booleans(),
    "RunConfigData": st.one_of(st.just({}), st.dictionaries(TEXTS, TEXTS, max_size=2), TEXTS),
    "GenericScalar": st.one_of(TEXTS, st.integers()),
}


@dataclass
class Drawn:
    """A document that is drawn: its text, the values of its variables, and its root fields by their aliases."""

    schema: GraphQLSchema
    draw: Any
    variables: dict[str, Any] = field(default_factory=dict)
    declared: list[str] = field(default_factory=list)
    fragments: list[str] = field(default_factory=list)
    roots: dict[str, str] = field(default_factory=dict)
    _aliases: int = 0

    def document(self, operation: str, root: GraphQLObjectType) -> str:
        names = self.draw(st.lists(st.sampled_from(sorted(root.fields)), min_size=1, max_size=3))
        selections = [self._selected(name, root.fields[name], 1, is_root=True) for name in names]
        if self.draw(st.booleans()):
            self.fragments.append(f"fragment Root on {root.name} {{ {' '.join(selections)} }}")
            selections = ["...Root"]
        declared = f"({', '.join(self.declared)})" if self.declared else ""
        return "\n".join([f"{operation} Drawn{declared} {{ {' '.join(selections)} }}", *self.fragments])

    def _selected(self, name: str, drawn: GraphQLField, depth: int, *, is_root: bool = False) -> str:
        """A field under an alias of its own, so that two of one name do not conflict."""
        self._aliases += 1
        alias = f"a{self._aliases}"
        if is_root:
            self.roots[alias] = name
        arguments = [
            f"{key}: {self._variable(argument.type)}"
            for key, argument in drawn.args.items()
            if is_required_argument(argument) or self.draw(st.booleans())
        ]
        given = f"({', '.join(arguments)})" if arguments else ""
        return f"{alias}: {name}{given}{self._selection_of(get_named_type(drawn.type), depth)}"

    def _selection_of(self, kind: Any, depth: int) -> str:
        if is_leaf_type(kind):
            return ""
        parts = ["__typename"]
        if depth < MOST_DEPTH and isinstance(kind, GraphQLUnionType | GraphQLInterfaceType):
            chosen = self.draw(st.lists(st.sampled_from(self.schema.get_possible_types(kind)), max_size=3, unique=True))
            parts += [f"... on {each.name}{self._selection_of(each, depth)}" for each in chosen]
        elif depth < MOST_DEPTH:
            names = self.draw(st.lists(st.sampled_from(sorted(kind.fields)), max_size=4, unique=True))
            parts += [self._selected(name, kind.fields[name], depth + 1) for name in names]
        return f" {{ {' '.join(parts)} }}"

    def _variable(self, kind: GraphQLInputType) -> str:
        name = f"v{len(self.variables)}"
        self.variables[name] = self._value(kind, 0)
        self.declared.append(f"${name}: {kind}")
        return f"${name}"

    def _value(self, kind: Any, depth: int) -> Any:
        if isinstance(kind, GraphQLNonNull):
            return self._value(kind.of_type, depth)
        if isinstance(kind, GraphQLList):
            return [self._value(kind.of_type, depth + 1) for _ in range(self.draw(st.integers(0, 2)))]
        if isinstance(kind, GraphQLEnumType):
            return self.draw(st.sampled_from(sorted(kind.values)))
        if isinstance(kind, GraphQLInputObjectType):
            return {
                name: self._value(each.type, depth + 1)
                for name, each in kind.fields.items()
                if is_required_input_field(each) or (depth < 3 and self.draw(st.booleans()))
            }
        return self.draw(SCALARS.get(kind.name, TEXTS))


@st.composite
def documents(draw: Any, schema: GraphQLSchema, operation: str) -> tuple[dict[str, Any], dict[str, str]]:
    """The body of a request of an operation (query, mutation), and the root fields of its answer by their aliases."""
    root = schema.query_type if operation == "query" else schema.mutation_type
    assert root is not None
    drawn = Drawn(schema, draw)
    text = drawn.document(operation, root)
    return {"query": text, "variables": drawn.variables, "operationName": "Drawn"}, drawn.roots
