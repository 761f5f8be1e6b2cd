"""The error of a GraphQL field that the actor may not use."""

from __future__ import annotations

from graphql import GraphQLError


class NotAllowed(GraphQLError):
    """The field is not allowed for the actor. `is_change`: it is a mutation or a subscription, the whole operation."""

    def __init__(self, field: str, who: str, *, is_change: bool) -> None:
        super().__init__(f"{field} is not allowed for {who}", extensions={"code": "forbidden"})
        self.is_change = is_change
