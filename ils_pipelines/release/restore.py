"""The objects of an earlier release, as they are applied again: its code and its configuration.

Secrets are not among what is restored: Secrets Manager has the ones that hold now, and an earlier password may no longer
open the database. Nor is the binding to the load balancer's target group, which may be another one since.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ils_pipelines.release.history.store import KeptRelease
from ils_pipelines.release.manifests.parts import noted
from ils_pipelines.release.names import SECRET_DIGEST
from ils_pipelines.release.objects import (
    DEPLOYMENT,
    RELEASED,
    SECRET,
    TARGET_GROUP_BINDING,
    Body,
    Manifest,
    kind_of,
    ref_at,
)
from ils_pipelines.release.settings import content_digest

_AS_THEY_ARE = frozenset({SECRET.kind, TARGET_GROUP_BINDING.kind})


def restored(kept: KeptRelease, current: Sequence[Manifest], secrets: Mapping[str, str]) -> tuple[Manifest, ...]:
    """In the order in which they are applied, with the Secret and the binding of the `current` objects."""
    found = [_manifest(body, secrets) for body in kept.objects if body["kind"] not in _AS_THEY_ARE]
    found += [manifest for manifest in current if manifest.kind.kind in _AS_THEY_ARE]
    order = [kind for step in RELEASED for kind in step]
    return tuple(sorted(found, key=lambda manifest: order.index(manifest.kind)))


def _manifest(body: Body, secrets: Mapping[str, str]) -> Manifest:
    kind = kind_of(ref_at(body))
    return noted(kind, _with_current_secret(body, secrets) if kind is DEPLOYMENT else body)


def _with_current_secret(body: Body, secrets: Mapping[str, str]) -> Body:
    """The pods read the Secret when they start: their note of it has to be of the one that is there."""
    template = body["spec"]["template"]
    metadata = template["metadata"]
    annotations = {**metadata.get("annotations", {}), SECRET_DIGEST: content_digest(secrets)}
    changed = {**template, "metadata": {**metadata, "annotations": annotations}}
    return {**body, "spec": {**body["spec"], "template": changed}}
