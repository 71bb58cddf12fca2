"""The tag by which a resource is recognised after a crash between its creation and its record."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

MARK = "ils:created-by"


def mark_of(urn: str) -> str:
    """The mark's value: the first 32 hex digits of the URN's SHA-256."""
    return hashlib.sha256(urn.encode()).hexdigest()[:32]


def shown(tags: Mapping[str, str]) -> dict[str, str]:
    """The tags a program may know of: not our mark, nor AWS's own."""
    return {key: value for key, value in tags.items() if key != MARK and not key.startswith("aws:")}
