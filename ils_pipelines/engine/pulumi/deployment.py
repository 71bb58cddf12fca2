"""Reading Pulumi's deployment JSON, version 3."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ils_pipelines.engine.acting import acting
from ils_pipelines.engine.errors import CheckpointCorrupt
from ils_pipelines.engine.models import OutputValue, Stack
from ils_pipelines.engine.pulumi.changes import PROVIDER_PREFIX
from ils_pipelines.engine.pulumi.values import contains_secret, revealed

VERSION = 3
STACK_TYPE = "pulumi:pulumi:Stack"


def resources(deployment: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """The resources, dependencies before dependents; none of a stack that does not exist or has nothing."""
    found: list[dict[str, Any]] = ((deployment or {}).get("deployment") or {}).get("resources") or []
    return found


def pending(deployment: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """What an interrupted run began and did not record the end of: `type` is creating, updating, deleting, …"""
    found: list[dict[str, Any]] = ((deployment or {}).get("deployment") or {}).get("pending_operations") or []
    return found


def managed(deployment: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """What a provider manages, without what waits to be deleted."""
    return [
        resource
        for resource in resources(deployment)
        if resource.get("custom")
        and not resource.get("external")
        and not resource.get("delete")
        and not resource["type"].startswith(PROVIDER_PREFIX)
    ]


def protected(deployment: Mapping[str, Any] | None) -> tuple[str, ...]:
    return tuple(
        sorted(each["urn"] for each in resources(deployment) if each.get("protect") and not each.get("delete"))
    )


def outputs(deployment: Mapping[str, Any] | None) -> dict[str, OutputValue] | None:
    """The stack's outputs, of a deployment with its secrets in the clear; None when there is no stack."""
    stack = next((each for each in resources(deployment) if each["type"] == STACK_TYPE), None)
    if stack is None:
        return None
    return {
        name: OutputValue(value=revealed(value), secret=contains_secret(value))
        for name, value in (stack.get("outputs") or {}).items()
    }


def acting_as(deployment: Mapping[str, Any], config: Mapping[str, str]) -> dict[str, Any]:
    """`deployment` with its providers acting as `config`, Pulumi's, says: without a program, Pulumi opens them as they are
    in it."""
    return {
        **deployment,
        "deployment": {
            **deployment["deployment"],
            "resources": [_acting_as(each, config) for each in resources(deployment)],
        },
    }


def _acting_as(resource: dict[str, Any], config: Mapping[str, str]) -> dict[str, Any]:
    if not resource["type"].startswith(PROVIDER_PREFIX):
        return resource
    package = resource["type"].removeprefix(PROVIDER_PREFIX)
    said: dict[str, Any] = {
        key: acting(package, resource[key], config) for key in ("inputs", "outputs") if key in resource
    }
    return {**resource, **said}


def verify(state: Any, stack: Stack) -> None:
    """Raise CheckpointCorrupt unless `state` is a version 3 deployment of the stack."""
    reason = _fault(state, stack)
    if reason:
        raise CheckpointCorrupt(
            f"what is to be imported into {stack} is no state of it: {reason}. Nothing was changed."
        )


def _fault(state: Any, stack: Stack) -> str | None:
    if not isinstance(state, Mapping) or state.get("version") != VERSION:
        found = state.get("version") if isinstance(state, Mapping) else type(state).__name__
        return f"expected a deployment of version {VERSION}, found {found!r}"
    deployment = state.get("deployment")
    if not isinstance(deployment, Mapping):
        return f"expected an object under deployment, found {type(deployment).__name__}"
    prefix = f"urn:pulumi:{stack.name}::{stack.project}::"
    for index, resource in enumerate(deployment.get("resources") or ()):
        if not isinstance(resource, Mapping) or not isinstance(resource.get("urn"), str) or "type" not in resource:
            return f"resource {index} has no urn or no type"
        if not resource["urn"].startswith(prefix):
            return f"{resource['urn']} is of another stack"
    return None
