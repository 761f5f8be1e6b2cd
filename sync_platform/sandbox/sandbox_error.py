"""The one error of the sandbox: it cannot do what it was asked for."""

from __future__ import annotations


class SandboxError(Exception):
    """A wrong option, an unknown fault, or a port in use; its text is one line for a person."""
