"""What goes wrong with backup sets."""

from __future__ import annotations

from ils_pipelines.errors import IlsError


class BackupError(IlsError):
    """The root of these."""


class NoBackupPlace(BackupError):
    """The environment has no place for backups, or it cannot be reached."""


class NoSuchSet(BackupError):
    """There is no such set, or it has no manifest yet."""


class ManifestCorrupt(BackupError):
    """What is kept as a manifest, a signature or a record is none."""


class SignatureInvalid(BackupError):
    """A manifest is not what was signed, or was not signed by the environment's key."""


class ObjectCorrupt(BackupError):
    """An object is not what was put into the bucket: S3's own checksum of it does not hold."""
