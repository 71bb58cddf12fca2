"""One release as it is remembered. Nothing of it ever changes, and no secret is in it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict

from ils_pipelines.release.manifests.parts import shown
from ils_pipelines.release.names import APPLIED
from ils_pipelines.release.objects import Manifest, canonical


class ReleaseStatus(StrEnum):
    RELEASED = "released"
    """It became healthy: something to go back to."""
    FAILED = "failed"


class ReleaseRecord(BaseModel):
    """What was released, from what, when, and what became of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: int
    """Counted from 1 in each environment."""
    environment: str
    status: ReleaseStatus
    digest: str
    """SHA-256, in hex, over all objects, values of secrets as digests: equal releases have equal digests."""
    image: str
    image_digest: str
    """`sha256:…` of what the pods really ran; empty when none of them got so far."""
    config_digest: str
    environment_file: str
    """SHA-256, in hex, over the environment's file; empty where there is none."""
    at: AwareDatetime
    promoted_from: str = ""
    """Environment and number of the release whose image this is."""
    rollback_to: int | None = None
    """The release whose objects were restored: by this release, or after it failed."""
    reason: str = ""
    """Why it failed, or why somebody went back."""

    @property
    def good(self) -> bool:
        return self.status is ReleaseStatus.RELEASED


def release_digest(manifests: Sequence[Manifest]) -> str:
    return hashlib.sha256(canonical(bodies(manifests)).encode()).hexdigest()


def bodies(manifests: Sequence[Manifest]) -> list[dict[str, Any]]:
    """The objects as they may be kept: without values of secrets, and without the note that says the same again."""
    return [_kept(manifest) for manifest in manifests]


def _kept(manifest: Manifest) -> dict[str, Any]:
    body = shown(manifest.kind, manifest.body)
    metadata = dict(body["metadata"])
    annotations = {key: value for key, value in metadata.pop("annotations", {}).items() if key != APPLIED}
    if annotations:
        metadata["annotations"] = annotations
    return {**body, "metadata": metadata}
