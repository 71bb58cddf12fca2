"""Objects against the schema of the cluster's version, unknown fields refused: what a real API server would say of types."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from ils_pipelines.release.objects import SECRET, Manifest
from ils_pipelines.release.validation.mistakes import Mistake

LONGEST = 200
CUSTOM_GROUPS = (".k8s.aws",)
"""Ends of the API groups of custom resources: their schemas are not Kubernetes' own, the cluster checks them."""


def schema_mistakes(manifests: Sequence[Manifest], version: str) -> Iterator[Mistake]:
    """One mistake for each object that does not fit. A version newer than all known schemas is held to the newest."""
    from jsonschema.exceptions import best_match  # type: ignore[import-untyped]

    known = _known(version)
    for manifest in manifests:
        if manifest.kind.api_version.partition("/")[0].endswith(CUSTOM_GROUPS):
            continue
        body = manifest.body
        validator = _validator(known, str(body["kind"]), str(body["apiVersion"]))
        if validator is None:
            yield Mistake(manifest.ref, "apiVersion", f"an API of Kubernetes {known}", manifest.kind.api_version)
        elif (error := best_match(validator.iter_errors(dict(body)))) is not None:
            yield _mistake(manifest, error)


@cache
def _folders() -> Mapping[str, Traversable]:
    """Strict schemas by minor version, as the package kubernetes-validate carries them.

    Its own `validate` reads all definitions of a version, a megabyte and a half, anew for each object: two thirds of what a
    release computes.
    """
    schemas = files("kubernetes_validate") / "kubernetes-json-schema"
    strict = (entry for entry in schemas.iterdir() if entry.name.endswith("-local-strict"))
    return {".".join(entry.name.removeprefix("v").split(".")[:2]): entry for entry in strict}


@cache
def _known(version: str) -> str:
    """The newest version with schemas that is not newer than this one; the oldest where all are."""
    oldest_first = sorted(_folders(), key=_number)
    return next((known for known in reversed(oldest_first) if _number(known) <= _number(version)), oldest_first[0])


@cache
def _definitions(version: str) -> Any:
    from referencing import Registry, Resource

    return Resource.from_contents(_read(_folders()[version] / "_definitions.json")) @ Registry()


@cache
def _validator(version: str, kind: str, api_version: str) -> Any:
    """Of the objects of a kind; None where the version has no such kind."""
    from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
    from referencing import Resource

    group, slash, number = api_version.rpartition("/")
    name = f"{kind.lower()}-{group.partition('.')[0]}{'-' if slash else ''}{number}.json"
    file = _folders()[version] / name
    if not file.is_file():
        return None
    schema = _read(file)
    return Draft202012Validator(schema, registry=Resource.from_contents(schema) @ _definitions(version))


def _read(file: Traversable) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))


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
