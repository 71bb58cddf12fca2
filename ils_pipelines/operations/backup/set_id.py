"""The name of a backup set: an environment, and the moment for which the set is taken."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Self

from ils_pipelines.operations.backup.errors import NoSuchSet

_FORMAT = "%Y-%m-%dT%H%M%SZ"
_NAME = re.compile(r"\d{4}-\d\d-\d\dT\d{6}Z")
NIGHTLY = time(4, 30)
"""UTC: after the window in which database and cache make their own backups."""


@dataclass(frozen=True, order=True)
class SetId:
    """One backup set. Ids of one environment sort by their moments."""

    environment: str
    moment: datetime
    """UTC, to the second."""

    def __post_init__(self) -> None:
        if self.moment.utcoffset() is None:
            raise ValueError(f"expected a moment with a time zone, found {self.moment!r}")
        object.__setattr__(self, "moment", self.moment.astimezone(UTC).replace(microsecond=0))

    @classmethod
    def nightly(cls, environment: str, day: date) -> Self:
        """The set that the schedule takes on that day."""
        return cls(environment, datetime.combine(day, NIGHTLY, UTC))

    @classmethod
    def parse(cls, environment: str, name: str) -> Self:
        """From the name. Raises `NoSuchSet` for what is no name of a set."""
        moment = _moment(name)
        if moment is None:
            raise NoSuchSet(
                f"expected the name of a backup set, such as 2026-11-25T043000Z, found {name!r}. "
                f"`ils backup list {environment}` lists them."
            )
        return cls(environment, moment)

    @property
    def name(self) -> str:
        """`2026-11-25T043000Z`: among the sets of the environment."""
        return f"{self.moment:{_FORMAT}}"

    @property
    def resource_name(self) -> str:
        """`ils-dev-20261125-043000`: what snapshots are named after, which take no colons, capitals or dots."""
        return f"ils-{self.environment}-{self.moment:%Y%m%d-%H%M%S}"

    @property
    def prefix(self) -> str:
        """Where the set is in the bucket."""
        return f"sets/{self.name}/"

    def __str__(self) -> str:
        return f"{self.environment}/{self.name}"


def _moment(name: str) -> datetime | None:
    if not _NAME.fullmatch(name):
        return None
    try:
        return datetime.strptime(name, _FORMAT).replace(tzinfo=UTC)
    except ValueError:
        return None
