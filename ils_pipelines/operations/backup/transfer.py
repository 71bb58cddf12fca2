"""The bucket of transfers of a region: what services write on its way into a set, and what they read on its way out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ils_pipelines.operations.backup.places import BackupSide
    from ils_pipelines.targets.protocol import Target

_CHUNK = 1024 * 1024
_MISSING = frozenset({"404", "NoSuchKey", "NotFound"})
_BATCH = 1000


@dataclass(frozen=True)
class Transfer:
    """One of the two. Everything raises botocore's ClientError."""

    s3: Any
    bucket: str

    @classmethod
    def of(cls, target: Target, side: BackupSide) -> Transfer:
        return cls(target.client("s3", region=side.region), side.transfers)

    def has(self, key: str) -> bool:
        from botocore.exceptions import ClientError

        try:
            self.s3.head_object(Bucket=self.bucket, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] in _MISSING:
                return False
            raise
        return True

    def read(self, key: str) -> bytes:
        """A small object."""
        return b"".join(self.chunks(key))

    def chunks(self, key: str) -> Iterator[bytes]:
        """The content, in pieces of a megabyte."""
        yield from self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].iter_chunks(_CHUNK)

    def keys(self, prefix: str) -> tuple[str, ...]:
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        return tuple(each["Key"] for page in pages for each in page.get("Contents", ()))

    def forget(self, prefix: str) -> None:
        """Delete what is below the prefix. What is left of it when somebody is interrupted, the bucket deletes in a day."""
        doomed = [{"Key": key} for key in self.keys(prefix)]
        for start in range(0, len(doomed), _BATCH):
            self.s3.delete_objects(
                Bucket=self.bucket, Delete={"Objects": doomed[start : start + _BATCH], "Quiet": True}
            )
