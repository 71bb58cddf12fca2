"""What goes wrong with the contents of caches."""

from __future__ import annotations

from ils_pipelines.operations.backup.errors import BackupError


class RdbCorrupt(BackupError):
    """It is no dump, or not a whole one."""


class RdbUnknown(BackupError):
    """It may be sound; it holds what cannot be read here, such as the values of modules."""
