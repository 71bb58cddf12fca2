"""What every object of a release has in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ils_pipelines.release.names import APPLIED, ownership_labels, selector
from ils_pipelines.release.objects import SECRET, Body, Kind, Manifest, canonical
from ils_pipelines.release.settings import Release, digest


def manifest(
    release: Release,
    kind: Kind,
    name: str,
    content: Mapping[str, Any],
    *,
    labels: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] | None = None,
) -> Manifest:
    """An object with the labels of the release."""
    metadata: dict[str, Any] = {
        "name": name,
        "labels": {
            **selector(release.environment),
            "app.kubernetes.io/part-of": "integrated-lens-system",
            **ownership_labels(release.environment),
            **(labels or {}),
        },
    }
    if kind.namespaced:
        metadata["namespace"] = release.namespace
    if annotations:
        metadata["annotations"] = dict(annotations)
    return noted(kind, {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata, **content})


def noted(kind: Kind, body: Body) -> Manifest:
    """The object with the annotation that says how it was applied."""
    metadata = body["metadata"]
    note = canonical(shown(kind, body))
    annotations = {**metadata.get("annotations", {}), APPLIED: note}
    return Manifest(kind, {**body, "metadata": {**metadata, "annotations": annotations}})


def shown(kind: Kind, body: Body) -> Body:
    """The object with digests in the place of a Secret's values."""
    return body if kind is not SECRET else {**body, "data": secret_digests(body.get("data", {}))}


def secret_digests(data: Mapping[str, str]) -> dict[str, str]:
    """They tell whether a value changed and nothing else."""
    return {key: digest(value) for key, value in data.items()}
