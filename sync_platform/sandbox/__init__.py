"""An invented Hong Kong, and the eight platforms' servers over it.

What belongs here: everything that pretends to be a platform. What doesn't: anything of the sync itself, which this
package never imports.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sync_platform.sandbox.city import City as City
    from sync_platform.sandbox.errors import SandboxError as SandboxError
    from sync_platform.sandbox.server import create_app as create_app
    from sync_platform.sandbox.server import serve as serve
    from sync_platform.sandbox.truth import write_ground_truth as write_ground_truth

_HOMES = {
    "City": "city",
    "SandboxError": "errors",
    "create_app": "server",
    "serve": "server",
    "write_ground_truth": "truth",
}

__all__ = ["City", "SandboxError", "create_app", "serve", "write_ground_truth"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
