"""What there is of an environment's sets, and how they stand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from ils_pipelines.operations.backup.bucket import MANIFEST, Restorability, SetBucket
from ils_pipelines.operations.backup.errors import ManifestCorrupt, NoSuchSet, SignatureInvalid
from ils_pipelines.operations.backup.manifest import Manifest, SetStatus
from ils_pipelines.operations.backup.places import find_places
from ils_pipelines.operations.backup.retention import SetState
from ils_pipelines.operations.backup.set_id import SetId
from ils_pipelines.operations.backup.verify import Verification, last_verification

if TYPE_CHECKING:
    from ils_pipelines.targets.protocol import Target


@dataclass(frozen=True)
class SetOverview:
    """One set."""

    id: SetId
    manifest: Manifest | None
    """None while there is none, and when what there is cannot be trusted."""
    problem: str
    """Why it cannot be trusted; empty when it can."""
    verification: Verification | None
    """The last look at it."""
    restorability: Restorability | None
    """The last drill that restored it."""

    @property
    def status(self) -> SetStatus:
        return SetStatus.UNFINISHED if self.manifest is None else self.manifest.status

    @property
    def says(self) -> str:
        """The status in a word."""
        return "not to be trusted" if self.problem else self.status.value

    @property
    def size(self) -> int:
        """Bytes, as far as the services say."""
        return sum(piece.size for piece in self.manifest.pieces) if self.manifest else 0

    @property
    def verified(self) -> datetime | None:
        """When it was last found sound, this manifest of it; None when it was not, or was found otherwise since."""
        found, manifest = self.verification, self.manifest
        if found is None or manifest is None or not found.sound or found.manifest_sha256 != manifest.digest:
            return None
        return found.at

    @property
    def restorable(self) -> datetime | None:
        """When a drill last restored it, and what was restored was right."""
        found = self.restorability
        return found.at if found is not None and found.passed else None

    @property
    def state(self) -> SetState:
        return SetState(
            self.id, self.status, verified=self.verified is not None, restorable=self.restorable is not None
        )


def overview(target: Target) -> tuple[SetOverview, ...]:
    """Every set, newest first. Raises `NoBackupPlace`."""
    bucket, copies = _buckets(target)
    drills = {each.set: each for each in bucket.restorabilities()}  # oldest first: the last one stays
    return tuple(_look(bucket, copies, set_id, drills.get(set_id.name)) for set_id in reversed(bucket.sets()))


def find_set(target: Target, name: str | None) -> SetOverview:
    """The set of that name, or the newest that has a manifest. Raises `NoSuchSet`, `NoBackupPlace`."""
    bucket, copies = _buckets(target)
    environment = target.environment.name
    drills = {each.set: each for each in bucket.restorabilities()}
    sets = [SetId.parse(environment, name)] if name else list(reversed(bucket.sets()))
    for set_id in sets:
        found = _look(bucket, copies, set_id, drills.get(set_id.name))
        if name or found.manifest is not None or found.problem:
            return found
    raise NoSuchSet(
        f"expected a backup set of {environment} in s3://{bucket.side.bucket}, found none. Take one: "
        f"ils backup run {environment}"
    )


def _buckets(target: Target) -> tuple[SetBucket, SetBucket]:
    places = find_places(target)
    return SetBucket(target, places.here), SetBucket(target, places.there)


def _look(bucket: SetBucket, copies: SetBucket, set_id: SetId, drill: Restorability | None) -> SetOverview:
    manifest, problem, verification = None, "", None
    try:
        manifest = bucket.manifest(set_id)
        verification = last_verification(bucket, set_id)
    except NoSuchSet:
        # It is unfinished, or there is no such set; or somebody deleted its manifest.
        problem = _deleted(bucket, copies, set_id)
    except (ManifestCorrupt, SignatureInvalid) as error:
        problem = str(error)
    return SetOverview(set_id, manifest, problem, verification, drill)


def _deleted(bucket: SetBucket, copies: SetBucket, set_id: SetId) -> str:
    """What says that the set had a manifest; empty where nothing does. Whoever deletes a set here leaves no version of it,
    and begins in the other region.
    """
    key = set_id.prefix + MANIFEST
    place = next((each.place(key) for each in (bucket, copies) if each.has_version(key)), None)
    if place is None:
        return ""
    return (
        f"expected the manifest of {set_id} in {bucket.place(key)}, found that it was deleted; {place} is left. "
        "Look in CloudTrail who did that, and put the newest version back."
    )
