"""The one error of the sandbox: a request that it cannot fulfil."""

from __future__ import annotations


class SandboxError(Exception):
    """A wrong option, an unknown fault, or a port in use; its text is one line for a person."""
