"""Every query of Dagster's GraphQL, each selecting as much as fits into one request."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
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

DEEPEST = 9
MOST_FAILURES = 12
Values = Mapping[str, str]
"""The text of an argument or of an input's field, by its name, as GraphQL writes it."""


class GraphqlDump:
    """Writes the queries. `values`: real values of arguments; others are made up. `most_tokens`: of a query."""

    def __init__(self, schema: GraphQLSchema, values: Values, most_tokens: int) -> None:
        self._schema, self._values, self._most_tokens = schema, values, most_tokens
        self._left_out: set[str] = set()

    def answers(self, ask: Callable[[str], Any], chosen: Collection[str] = ()) -> Iterator[tuple[str, Any]]:
        """The name of each field of the root (of those that are chosen, if any), and the answers to its queries.

        A field that fails empties the whole answer. It is left out then, and the rest is asked for again.
        """
        assert self._schema.query_type
        for name, field in self._schema.query_type.fields.items():
            if chosen and name not in chosen:
                continue
            self._left_out = set()
            for _ in range(MOST_FAILURES):
                answer = ask(f"{{ {self._deepest(name, field)} }}")
                yield name, answer
                failed = {each for error in answer.get("errors", []) if (each := _failed_field(error))}
                if not failed - self._left_out:
                    break
                self._left_out |= failed

    def subscription(self, name: str) -> str:
        """The text of a subscription."""
        assert self._schema.subscription_type
        self._left_out = set()
        return f"subscription {{ {self._deepest(name, self._schema.subscription_type.fields[name])} }}"

    def _deepest(self, name: str, field: GraphQLField) -> str:
        """The field with the deepest selection that fits."""
        found = self._field(name, field, 1)
        for depth in range(2, DEEPEST):
            deeper = self._field(name, field, depth)
            if len(deeper) == len(found) or _tokens(deeper) > self._most_tokens:
                break
            found = deeper
        return found or f"{name}{self._given(field)} {{ __typename }}"

    def _field(self, name: str, field: GraphQLField, depth: int) -> str:
        kind = get_named_type(field.type)
        if is_leaf_type(kind):
            return f"{name}{self._given(field)}"
        return f"{name}{self._given(field)} {{ {self._selection(kind, depth - 1)} }}" if depth else ""

    def _selection(self, kind: Any, depth: int) -> str:
        parts = ["__typename"]
        if isinstance(kind, GraphQLUnionType | GraphQLInterfaceType):
            for each in self._schema.get_possible_types(kind):
                parts.append(f"... on {each.name} {{ {self._fields(each, depth, f'_{each.name}')} }}")
        else:
            parts.append(self._fields(kind, depth))
        return " ".join(parts)

    def _fields(self, kind: GraphQLObjectType, depth: int, suffix: str = "") -> str:
        """The fields of a type. In a union each has a name of its own: two types may have fields of one name."""
        fields = []
        for name, field in kind.fields.items():
            if name in self._left_out:
                continue
            text = self._field(name, field, depth)
            if text:
                fields.append(f"{name}{suffix}: {text}" if suffix else text)
        return " ".join(["__typename", *fields])

    def _given(self, field: GraphQLField) -> str:
        given = [
            f"{name}: {self._value(name, argument.type)}"
            for name, argument in field.args.items()
            if self._is_given(name, argument)
        ]
        return f"({', '.join(given)})" if given else ""

    def _is_given(self, name: str, argument: GraphQLArgument) -> bool:
        return is_required_argument(argument) or name in {"selector", "logKey"}

    def _value(self, name: str, kind: Any) -> str:
        if isinstance(kind, GraphQLNonNull):
            return self._value(name, kind.of_type)
        if name in self._values:
            return self._values[name]
        if isinstance(kind, GraphQLList):
            return f"[{self._value(name, kind.of_type)}]"
        if isinstance(kind, GraphQLEnumType):
            return next(iter(kind.values))
        if isinstance(kind, GraphQLInputObjectType):
            given = [
                f"{each}: {self._value(each, found.type)}"
                for each, found in kind.fields.items()
                if is_required_input_field(found)
            ]
            return f"{{{', '.join(given)}}}"
        return {"Int": "5", "Float": "1.0", "Boolean": "true", "RunConfigData": "{}"}.get(kind.name, '"x"')


def _failed_field(error: Mapping[str, Any]) -> str:
    """The name of the field below the root that an error is about; empty if it is about the root."""
    names = [each for each in error.get("path") or [] if isinstance(each, str)]
    return names[-1].partition("_")[0] if len(names) > 1 else ""


def _tokens(text: str) -> int:
    """About as many as there are."""
    return sum(text.count(each) for each in " {}():,") + 1
