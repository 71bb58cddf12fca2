"""Property values as they stand in Pulumi's events and deployments: JSON, with signatures for what is no plain value.

The signatures are of pulumi/pulumi sdk/go/common/resource; unknowns are strings that stand for themselves.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ils_pipelines.engine.models import SECRET, UNKNOWN
from ils_pipelines.engine.property_paths import Path

SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 a format constant
UNKNOWN_SENTINELS = frozenset(
    {
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",  # bool
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",  # number
        "04da6b54-80e4-46f7-96ec-b56ff0331ba9",  # string
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",  # array
        "030794c1-ac77-496b-92df-f27374a8bd58",  # assets
        "e48ece36-62e2-4504-bad9-02848725956a",  # archive
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",  # object
    }
)


def is_secret(value: Any) -> bool:
    return isinstance(value, Mapping) and value.get(SIGNATURE) == SECRET_SIGNATURE


def contains_secret(value: Any) -> bool:
    """Whether `value` is secret, or something inside it is."""
    if is_secret(value):
        return True
    if isinstance(value, Mapping):
        return any(map(contains_secret, value.values()))
    return isinstance(value, list) and any(map(contains_secret, value))


def shown(value: Any) -> Any:
    """`value` with secrets and unknowns masked."""
    if is_secret(value):
        return SECRET
    if isinstance(value, Mapping):
        return {key: shown(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shown(item) for item in value]
    return UNKNOWN if isinstance(value, str) and value in UNKNOWN_SENTINELS else value


def revealed(value: Any) -> Any:
    """`value` of a deployment that was exported with its secrets in the clear, without the wrapping of the secrets."""
    if is_secret(value):
        return revealed(json.loads(value["plaintext"]))
    if isinstance(value, Mapping):
        return {key: revealed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [revealed(item) for item in value]
    return value


def find(properties: Any, path: Path) -> Any:
    """The value at `path`, secret when anything around it is; None when there is none."""
    value = properties
    for step in path:
        if is_secret(value):
            return value
        if isinstance(value, Mapping) and isinstance(step, str):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return None
    return value
