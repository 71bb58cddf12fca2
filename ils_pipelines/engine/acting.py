"""As whom a stack's providers act where no program is run to say it: as the engine's configuration says now.

A checkpoint keeps the inputs of its providers as they were at the last `up`. Who looks for drift may be somebody else, and
who deletes may have another role by then.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

WHO = ("profile", "assumeRoles", "allowedAccountIds")
"""Inputs of AWS's provider that say who acts, and in which account. All others, the region first, say where and how it works:
what it manages is there."""


def acting(package: str, inputs: Mapping[str, Any], config: Mapping[str, str]) -> dict[str, Any]:
    """The inputs of a provider in a checkpoint, default or declared, acting as `config` says, e.g. by `aws:profile`."""
    kept = {key: value for key, value in inputs.items() if key not in WHO}
    return kept | {key: config[f"{package}:{key}"] for key in WHO if f"{package}:{key}" in config}
