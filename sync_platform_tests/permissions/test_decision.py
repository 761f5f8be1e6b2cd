"""One function decides who may do what, and forbids what no role allows."""

from __future__ import annotations

import pytest

from sync_platform.errors import Forbidden
from sync_platform.permissions.action import Action
from sync_platform.permissions.actor import Actor, command_line_actor
from sync_platform.permissions.decision import is_allowed, is_allowed_somewhere, require_allowed
from sync_platform.permissions.role import Role
from sync_platform.settings import load_settings


def actor(*roles: Role, scope: set[str] | None = None) -> Actor:
    return Actor("ada", frozenset(roles), scope=None if scope is None else frozenset(scope))


@pytest.mark.parametrize("action", Action)
def test_an_actor_without_a_role_may_do_nothing_and_an_admin_everything(action: Action) -> None:
    assert not is_allowed(actor(), action)
    assert is_allowed(actor(Role.admin), action)


def test_each_role_allows_what_its_description_says() -> None:
    allowed = {role: {action for action in Action if is_allowed(actor(role), action)} for role in Role}
    assert allowed[Role.viewer] == {Action.read_data, Action.read_state}
    assert allowed[Role.viewer] < allowed[Role.operator]
    assert allowed[Role.operator] & {Action.restore, Action.read_privacy, Action.change_access} == set()
    assert allowed[Role.compliance] & {Action.start_run, Action.start_emergency, Action.restore} == set()
    assert allowed[Role.unsealer] == {Action.unseal_for_analysis}


def test_two_roles_together_allow_what_one_of_them_allows() -> None:
    both = actor(Role.viewer, Role.unsealer)
    assert is_allowed(both, Action.read_data)
    assert is_allowed(both, Action.unseal_for_analysis)


def test_a_scope_only_narrows() -> None:
    narrowed = actor(Role.operator, scope={"start-emergency:chope", "read-data", "restore"})
    assert is_allowed(narrowed, Action.read_data, "chope")
    assert is_allowed(narrowed, Action.start_emergency, "chope")
    assert not is_allowed(narrowed, Action.start_emergency, "openrice")
    assert not is_allowed(narrowed, Action.start_emergency)
    assert not is_allowed(narrowed, Action.start_backup)
    assert not is_allowed(narrowed, Action.restore)  # its role does not allow it
    assert is_allowed_somewhere(narrowed, Action.start_emergency)
    assert not is_allowed_somewhere(narrowed, Action.start_backup)
    assert not is_allowed_somewhere(narrowed, Action.restore)


def test_a_refusal_names_the_action_the_resource_and_the_actor() -> None:
    with pytest.raises(Forbidden, match=r"^start-emergency on chope is not allowed for ada \(viewer\)$"):
        require_allowed(actor(Role.viewer), Action.start_emergency, "chope")
    require_allowed(actor(Role.operator), Action.start_emergency, "chope")


def test_the_operator_of_the_command_line_is_an_admin_unless_set_otherwise() -> None:
    assert command_line_actor(load_settings(sync_actor="ada")).roles == {Role.admin}
    limited = command_line_actor(load_settings(sync_actor="ada", operator_role="viewer"))
    assert limited == Actor("ada", frozenset({Role.viewer}))
