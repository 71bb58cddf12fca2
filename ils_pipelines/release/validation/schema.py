"""Objects against the schema of the cluster's version, unknown fields refused: what a real API server would say of types."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ils_pipelines.release.objects import SECRET, Manifest
from ils_pipelines.release.validation.mistakes import Mistake

LONGEST = 200
CUSTOM_GROUPS = (".k8s.aws",)
"""Ends of the API groups of custom resources: their schemas are not Kubernetes' own, the cluster checks them."""


def schema_mistakes(manifests: Sequence[Manifest], version: str) -> Iterator[Mistake]:
    """One mistake for each object that does not fit. A version newer than all known schemas is held to the newest."""
    import kubernetes_validate
    from kubernetes_validate.utils import latest_version

    newest = latest_version()
    known = version if _number(version) <= _number(newest) else newest
    for manifest in manifests:
        if manifest.kind.api_version.partition("/")[0].endswith(CUSTOM_GROUPS):
            continue
        try:
            kubernetes_validate.validate(dict(manifest.body), known, strict=True)
        except kubernetes_validate.ValidationError as error:
            yield _mistake(manifest, error)
        except kubernetes_validate.SchemaNotFoundError:
            yield Mistake(manifest.ref, "apiVersion", f"an API of Kubernetes {known}", manifest.kind.api_version)


def _mistake(manifest: Manifest, error: Any) -> Mistake:
    path = ".".join(str(step) for step in error.absolute_path) or "the object"
    if error.validator == "additionalProperties":
        known = sorted(error.schema.get("properties", ()))
        unknown = sorted(set(error.instance) - set(known))
        return Mistake(manifest.ref, path, f"only {', '.join(known)}", f"{', '.join(unknown)} as well")
    secret = manifest.kind is SECRET and path.startswith(("data", "stringData"))
    found = "a value that is not shown" if secret else repr(error.instance)
    expected = f"{error.validator} {error.validator_value!r}"
    return Mistake(manifest.ref, path, expected[:LONGEST], found[:LONGEST])


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2])
