"""Objects that are not applied yet, as the posture controls look at those of a cluster."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ils_pipelines.release.objects import Kind


@dataclass(frozen=True)
class Rendering:
    found: tuple[dict[str, Any], ...]

    def objects(self, kind: Kind) -> tuple[dict[str, Any], ...]:
        return tuple(each for each in self.found if each["kind"] == kind.kind)

    def of(self, kind: str) -> dict[str, dict[str, Any]]:
        """Those of a kind, by name."""
        return {each["metadata"]["name"]: each for each in self.found if each["kind"] == kind}
