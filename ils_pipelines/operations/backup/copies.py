"""The copies in the other region: S3 makes them of what has come, in its own time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from ils_pipelines.operations.backup.bucket import MANIFEST, ObjectHead, signature_key
from ils_pipelines.operations.backup.context import PieceFailed, SetContext
from ils_pipelines.operations.backup.details import ObjectRef, TableExport
from ils_pipelines.operations.backup.errors import BackupError
from ils_pipelines.operations.backup.manifest import Manifest

if TYPE_CHECKING:
    from ils_pipelines.targets.protocol import Target

PENDING, FAILED = "PENDING", "FAILED"
WITHIN = timedelta(hours=3)
"""S3 copies most objects within fifteen minutes, large ones in hours: https://docs.aws.amazon.com/AmazonS3/latest/userguide/
replication-troubleshoot.html"""


class NotCopiedYet(BackupError):
    """S3 is still copying: nothing is known of the copy."""


def await_copies(
    target: Target, manifest: Manifest, *, say: Callable[[str], None], cancel: threading.Event | None = None
) -> None:
    """Wait until S3 is done with every object of the set, whether it copied it or gave up, or for three hours: what there is
    then, whoever looks at the set finds. `say` gets a line now and then. Raises `SetCancelled`, `NoBackupPlace`.
    """
    context = SetContext.open(target, manifest.id, cancel=cancel, say=say)
    waiting = [each for piece in manifest.pieces for each in _objects(piece.object, piece.details)]
    told = len(waiting) + 1

    def done() -> bool:
        nonlocal told
        while waiting and not _is(PENDING, context.bucket.head(waiting[-1])):
            waiting.pop()
        left = len(waiting)
        if left == 0 and is_manifest(PENDING, context, manifest.canonical()):
            left = 1
        if 0 < left < told:
            context.say(f"S3 is copying to {context.places.there.region}; at most {left} objects are left")
            told = left
        return left == 0

    try:
        context.wait(f"the copying of {context.set_id} to {context.places.there.region}", done, WITHIN)
    except PieceFailed as late:
        context.say(str(late))


def is_manifest(status: str, context: SetContext, content: bytes) -> bool:
    """Whether S3 says that of copying the manifest, or its signature."""
    keys = (context.set_id.prefix + MANIFEST, signature_key(context.set_id, content))
    return any(_is(status, context.bucket.newest_head(key)) for key in keys)


def _objects(own: ObjectRef | None, details: object) -> list[ObjectRef]:
    files = [each.object for each in details.files] if isinstance(details, TableExport) else []
    return [*([own] if own is not None else []), *files]


def _is(status: str, head: ObjectHead | None) -> bool:
    return head is not None and head.copying == status
