"""Dagster's GraphQL schema, in which each resolver asks first whether the actor may use its field.

The guard is at the resolvers, not in a reading of the request's text: aliases, fragments, several operations and other
transports then cannot differ from what is executed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from inspect import isawaitable
from typing import Any

from dagster_graphql.schema import create_schema
from graphene import Schema
from graphql import GraphQLField, GraphQLList, GraphQLNonNull, GraphQLObjectType, GraphQLResolveInfo
from graphql.execution import default_field_resolver

from sync_platform.permissions.actor import Actor
from sync_platform.server.access_log import AccessLog, ChangeEndLog
from sync_platform.server.access_table import AccessTable, is_open_to
from sync_platform.server.dagster_ui.launch_tags import tag_backfill, with_actor
from sync_platform.server.dagster_ui.lost_asset import in_words
from sync_platform.server.dagster_ui.not_allowed import NotAllowed
from sync_platform.settings import without_password
from sync_platform.storage.audit_log import Outcome
from sync_platform.storage.operation_name import OperationName

Resolver = Callable[..., Any]
PYTHON_ERROR = "PythonError"
REPEATS_BACKFILL = "reexecutePartitionBackfill"
"""It copies the tags of the backfill that it repeats."""
EMPTY: Mapping[str, Any] = {"String": "", "RunConfigData": {}, "RunConfigJSON": {}}
"""The empty value of each scalar type; null where the field may be null."""


def guarded_schema(table: AccessTable, log: AccessLog) -> Schema:
    """The schema with a guard at every field of its roots, and at the fields below that the table lists."""
    schema = create_schema()
    graphql_schema = schema.graphql_schema
    assert graphql_schema.query_type and graphql_schema.mutation_type and graphql_schema.subscription_type
    for name, field in graphql_schema.query_type.fields.items():
        field.resolve = _guarded_read(name, field, table.queries.get(name), log)
    for name, field in graphql_schema.mutation_type.fields.items():
        field.resolve = _guarded_change(name, field, table.mutations.get(name), log)
    for name, field in graphql_schema.subscription_type.fields.items():
        field.subscribe = _guarded_subscription(name, field, table.subscriptions.get(name), log)
    python_error = graphql_schema.type_map[PYTHON_ERROR]
    assert isinstance(python_error, GraphQLObjectType)
    python_error.fields["message"].resolve = _reworded(python_error.fields["message"])
    for name, needs in table.fields.items():
        of_type, _, of_field = name.partition(".")
        kind = graphql_schema.type_map.get(of_type)
        if isinstance(kind, GraphQLObjectType) and of_field in kind.fields:
            kind.fields[of_field].resolve = _hidden_unless(name, kind.fields[of_field], needs)
    return schema


def _guarded_read(name: str, field: GraphQLField, needs: str | None, log: AccessLog) -> Resolver:
    resolve = field.resolve or default_field_resolver

    def guarded(root: Any, info: GraphQLResolveInfo, **arguments: Any) -> Any:
        _require(info, name, needs, log, is_change=False)
        return resolve(root, info, **arguments)

    return guarded


def _guarded_change(name: str, field: GraphQLField, needs: str | None, log: AccessLog) -> Resolver:
    resolve = field.resolve or default_field_resolver

    def guarded(root: Any, info: GraphQLResolveInfo, **arguments: Any) -> Any:
        actor = _require(info, name, needs, log, is_change=True)
        subject = {"mutation": name, **_subject_of(arguments)}
        ended = log.change_begins(OperationName.change_in_dagster, subject, actor)
        try:
            result = resolve(root, info, **with_actor(arguments, actor))
        except BaseException:
            ended("failed")
            raise
        if isawaitable(result):
            return _awaited(result, ended, info, actor)
        return _finished(result, ended, info, actor)

    return guarded


def _guarded_subscription(name: str, field: GraphQLField, needs: str | None, log: AccessLog) -> Resolver:
    subscribe = field.subscribe
    assert subscribe is not None, name

    def guarded(root: Any, info: GraphQLResolveInfo, **arguments: Any) -> Any:
        _require(info, name, needs, log, is_change=True)
        return subscribe(root, info, **arguments)

    return guarded


def _hidden_unless(name: str, field: GraphQLField, needs: str) -> Resolver:
    resolve, empty = field.resolve or default_field_resolver, _empty_value(field)

    def hidden(root: Any, info: GraphQLResolveInfo, **arguments: Any) -> Any:
        if is_open_to(needs, info.context.actor):
            value = resolve(root, info, **arguments)
            return without_password(value) if isinstance(value, str) else value
        if empty is None and isinstance(field.type, GraphQLNonNull):
            raise NotAllowed(name, _actor_in_words(info.context.actor), is_change=False)
        return empty

    return hidden


def _reworded(field: GraphQLField) -> Resolver:
    """The message of an error of Dagster, without passwords, and in words where it is the key of an asset."""
    resolve = field.resolve or default_field_resolver

    def reworded(root: Any, info: GraphQLResolveInfo, **arguments: Any) -> Any:
        return in_words(without_password(str(resolve(root, info, **arguments))))

    return reworded


def _empty_value(field: GraphQLField) -> Any:
    """The value of a field that is hidden; None where its type has no empty value."""
    if not isinstance(field.type, GraphQLNonNull):
        return None
    inner = field.type.of_type
    return [] if isinstance(inner, GraphQLList) else EMPTY.get(str(inner))


def _require(info: GraphQLResolveInfo, name: str, needs: str | None, log: AccessLog, *, is_change: bool) -> Actor:
    """The actor, who may use the field; NotAllowed, and on record, otherwise."""
    actor: Actor | None = info.context.actor
    if actor is None or not is_open_to(needs, actor):
        if name not in info.context.denied:
            info.context.denied.add(name)
            log.denied(actor, actor.address if actor else "", f"{info.parent_type.name}.{name}", "role")
        raise NotAllowed(name, _actor_in_words(actor), is_change=is_change)
    return actor


def _actor_in_words(actor: Actor | None) -> str:
    return f"{actor.name} ({', '.join(sorted(actor.roles)) or 'no role'})" if actor else "nobody"


def _subject_of(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """What a mutation is about: the names and ids among its arguments, and no configuration."""
    named = {key: value for key, value in arguments.items() if isinstance(value, str) and len(value) <= 100}
    selector = _selector_in(arguments)
    return {"arguments": named, **({"selector": selector} if selector else {})}


def _selector_in(arguments: Any) -> dict[str, str]:
    """The names in the first selector among nested arguments, such as the job of a launch."""
    if not isinstance(arguments, Mapping):
        return {}
    for key, value in arguments.items():
        if isinstance(value, Mapping):
            if "selector" in key.lower():
                return {name: text for name, text in value.items() if isinstance(text, str)}
            if selector := _selector_in(value):
                return selector
    return {}


async def _awaited(result: Awaitable[Any], ended: ChangeEndLog, info: GraphQLResolveInfo, actor: Actor) -> Any:
    try:
        awaited = await result
    except BaseException:
        ended("failed")
        raise
    return _finished(awaited, ended, info, actor)


def _finished(result: Any, ended: ChangeEndLog, info: GraphQLResolveInfo, actor: Actor) -> Any:
    """The result of a mutation; how it ended is on record, with the run or backfill that it launched."""
    backfill_id = getattr(result, "backfill_id", None)
    if backfill_id and info.field_name == REPEATS_BACKFILL:
        tag_backfill(info.context.instance, backfill_id, actor)
    run_id = getattr(getattr(result, "run", None), "run_id", None)
    launched = {"run_id": run_id, "backfill": backfill_id}
    ended(_outcome_of(result), **{name: value for name, value in launched.items() if value})
    return result


def _outcome_of(result: Any) -> Outcome:
    """How a mutation ended. Dagster answers an error as a value whose type is named for it."""
    return "failed" if type(result).__name__.endswith(("Error", "NotFound", "Conflict")) else "complete"
