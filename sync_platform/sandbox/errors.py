"""The one error of the sandbox: something asked of it that cannot be."""

from __future__ import annotations


class SandboxError(Exception):
    """A wrong option, an unknown fault, or a port in use; its text is one line, fit for a person."""
