"""Keeps passwords out of the options of resources, which Dagster's UI and GraphQL show to everybody.

An option with a password is given as an environment variable (`dg.EnvVar`). Dagster shows the variable's name, and
reads its value in the process of a run. Each process that loads the definitions sets the variables from the settings.
"""

from __future__ import annotations

import os
from typing import Any, TypeAlias, TypeVar

import dagster as dg

from sync_platform.settings import without_password

Configurable: TypeAlias = "dg.ConfigurableResource[Any] | dg.ConfigurableIOManager"
Resource = TypeVar("Resource", bound=Configurable)
PREFIX = "SYNC_PLATFORM_RESOURCE"


def without_passwords(resource: Resource, name: str) -> Resource:
    """The resource, and the resources in it, with every option that has a password as an environment variable.

    `name`: of the resource; the variables are named after it.
    """
    options = {option: _hidden(getattr(resource, option), f"{name}_{option}") for option in type(resource).model_fields}
    return type(resource)(**options)


def _hidden(value: Any, name: str) -> Any:
    if isinstance(value, dg.ConfigurableResource | dg.ConfigurableIOManager):
        return without_passwords(value, name)
    if not isinstance(value, str) or without_password(value) == value:
        return value
    return dg.EnvVar(_variable(name, value))


def _variable(name: str, value: str) -> str:
    """The name of the variable, which is set. Definitions of another installation in this process use another one."""
    variable, number = f"{PREFIX}_{name}".upper(), 1
    while os.environ.setdefault(variable, value) != value:
        number += 1
        variable = f"{PREFIX}_{name}_{number}".upper()
    return variable
