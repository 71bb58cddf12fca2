"""The embedded engine: runs the same programs as Pulumi's, in this process, with its own checkpoint."""

from ils_sandbox.engine.embedded import EmbeddedEngine

__all__ = ["EmbeddedEngine"]
