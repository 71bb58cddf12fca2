"""Where a database is among its engine's minor versions, and what speaks against the newest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ils_pipelines.operations.findings import Finding, Urgency
from ils_pipelines.settings.versions import Product, parameter_group_family


@dataclass(frozen=True)
class DatabaseStanding:
    """Of an Aurora cluster that is there."""

    cluster: str
    version: str
    status: str
    """RDS's word for it."""
    window: str
    """Its maintenance window, as RDS writes it."""
    pending: Mapping[str, Any]
    """What was asked for and waits for the window, by RDS's names."""
    instances: Mapping[str, tuple[str, str]]
    """RDS's word for each instance, and its version."""
    writers: int

    @property
    def pending_version(self) -> str | None:
        found = self.pending.get("EngineVersion")
        return None if found is None else str(found)

    def runs(self, version: str) -> bool:
        """Whether all of it serves with that version."""
        instances = all(each == ("available", version) for each in self.instances.values())
        return (self.status, self.version) == ("available", version) and instances


@dataclass(frozen=True)
class DatabasePreflight:
    """What was looked at before anything is changed."""

    standing: DatabaseStanding
    wanted: str
    """The newest minor that the file allows; the version there is when that is none."""
    opens: datetime
    """When the maintenance window opens next, UTC; now while it is open."""
    findings: tuple[Finding, ...]

    @property
    def blocking(self) -> tuple[Finding, ...]:
        return tuple(each for each in self.findings if each.urgency is Urgency.CRITICAL)

    @property
    def due(self) -> bool:
        """Whether there is a version to go to."""
        return self.wanted != self.standing.version

    @property
    def says(self) -> str:
        """In a line."""
        if not self.due:
            return f"{self.standing.cluster} has {self.wanted}, the newest that its file allows"
        way = f"{self.standing.cluster}: {self.standing.version} -> {self.wanted}"
        waits = ", which waits for it already" if self.standing.pending_version == self.wanted else ""
        return f"{way}; the maintenance window ({self.standing.window}) opens {self.opens:%Y-%m-%d %H:%M} UTC{waits}"


def newest_allowed(version: str, asked: str, targets: tuple[str, ...]) -> str:
    """Of the versions that RDS upgrades to, the newest minor of the same major that the file allows: any for a major
    (`15`), the one that it names otherwise. The version there is where that is none."""
    allowed = [each for each in targets if each == asked or each.startswith(f"{asked}.")]
    return max((each for each in (version, *allowed) if _is_minor_of(each, version)), key=order)


def order(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def family(version: str) -> str:
    """Same for all minors of a major."""
    return parameter_group_family(Product.AURORA_POSTGRESQL, version)


def _is_minor_of(version: str, other: str) -> bool:
    # There are others with a suffix, for Limitless databases.
    return all(part.isdigit() for part in version.split(".")) and family(version) == family(other)
