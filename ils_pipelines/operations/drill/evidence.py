"""Where evidence is kept: in the bucket of backup sets, locked like them, below `drills/`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ils_pipelines.operations.backup.bucket import Restorability, SetBucket
from ils_pipelines.operations.backup.manifest import canonical
from ils_pipelines.operations.drill.models import Brief, Evidence, brief_of

if TYPE_CHECKING:
    from datetime import datetime

DRILLS = "drills/"
BRIEF, JSON, HTML = "brief.json", "evidence.json", "evidence.html"
_MOMENT = "%Y-%m-%dT%H%M%SZ"
MOST_BRIEFS = 500


def folder_of(drill: str, started: datetime) -> str:
    """Folders sort by time."""
    return f"{DRILLS}{started:{_MOMENT}}-{drill}/"


def keep(bucket: SetBucket, evidence: Evidence, page: str) -> str:
    """Write everything down; the place of it. The word on the set is for checks, and for pruning, which spares it then."""
    folder = folder_of(evidence.drill, evidence.started)
    bucket.write(folder + JSON, canonical(evidence))
    bucket.write(folder + HTML, page.encode())
    if evidence.set and evidence.manifest_sha256:
        bucket.write_restorability(
            Restorability(
                environment=evidence.environment,
                set=evidence.set,
                drill=evidence.drill,
                passed=evidence.passed,
                at=evidence.finished,
                manifest_sha256=evidence.manifest_sha256,
            )
        )
    bucket.write(folder + BRIEF, canonical(brief_of(evidence)))
    return bucket.place(folder)


def briefs(bucket: SetBucket) -> tuple[Brief, ...]:
    """The last drills, oldest first. Raises `NoBackupPlace`, `ManifestCorrupt`."""
    keys = [key for key in bucket.keys(DRILLS) if key.endswith(f"/{BRIEF}")][-MOST_BRIEFS:]
    found = [bucket.record(key, Brief) for key in keys]
    return tuple(brief for brief in found if brief is not None)
