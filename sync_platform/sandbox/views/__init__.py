"""How each platform sees the city: one module per platform, with the platform's name.

A new module here is a new platform of the sandbox: its subclass of PlatformView is found, and declares what
is special to the platform.
"""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module

from sync_platform.sandbox.platform_view import PlatformView
from sync_platform.sandbox.sandbox_error import SandboxError


@cache
def view_names() -> tuple[str, ...]:
    """The names of all platforms that the sandbox plays, in alphabetical order."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


@cache
def view_class(platform: str) -> type[PlatformView]:
    """The view that the platform's module declares; KeyError for an unknown platform.

    Raises SandboxError where the module declares none.
    """
    if platform not in view_names():
        raise KeyError(platform)
    module = import_module(f"{__name__}.{platform}")
    for declared in vars(module).values():
        if isinstance(declared, type) and issubclass(declared, PlatformView) and declared.__module__ == module.__name__:
            return declared
    raise SandboxError(f"{module.__file__} declares no subclass of PlatformView")
