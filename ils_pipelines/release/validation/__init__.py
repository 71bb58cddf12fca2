"""Whether objects are valid, found out without a cluster: against the published schema and for what no schema says."""

from __future__ import annotations

from collections.abc import Sequence

from ils_pipelines.release.errors import ManifestsInvalid
from ils_pipelines.release.objects import Manifest
from ils_pipelines.release.validation.schema import schema_mistakes
from ils_pipelines.release.validation.semantics import semantic_mistakes


def check(environment: str, manifests: Sequence[Manifest], version: str) -> None:
    """Raise `ManifestsInvalid` with every mistake, for a cluster of that Kubernetes version."""
    mistakes = [*schema_mistakes(manifests, version)]
    # What is said of values holds only where they are of the right type.
    mistakes = mistakes or [*semantic_mistakes(manifests)]
    if mistakes:
        raise ManifestsInvalid(environment, [str(mistake) for mistake in mistakes])
