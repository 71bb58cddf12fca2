"""Where something is restored to: names and tags of its own, by which everything made for it is found again."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ils_pipelines.errors import IlsError
from ils_pipelines.operations.scope import PROJECT

if TYPE_CHECKING:
    from ils_pipelines.settings.environment import Environment

DRILL_PREFIX = "ilsdrill"
"""Of every name that a drill gives: no environment's names begin so, and no other resource is ever swept."""
DRILL, STARTED, HOLDER, ENVIRONMENT = "drill", "drill-started", "drill-holder", "environment"
"""Tags of what a drill makes: its id, when it began (UTC), which machine runs it, whose environment it rehearses."""
MANAGED_BY = "ils-pipelines"
_ID_BYTES = 4
LONGEST_NAME = 40
"""ElastiCache takes no longer name of a replication group; the drills of an environment with 20 letters need 38."""
_MOMENT = "%Y-%m-%dT%H:%M:%SZ"


class BadName(IlsError):
    """A name that AWS would not take."""


@dataclass(frozen=True)
class Place:
    """One name, and what is made under it."""

    name: str
    region: str
    tags: Mapping[str, str] = field(default_factory=dict)

    def named(self, *parts: str) -> str:
        return "-".join((self.name, *parts))

    def tags_of(self, name: str, source: object = None) -> dict[str, str]:
        """`source` is what something that holds data is made of, in words."""
        return {**self.tags, "Name": name, **({} if source is None else {SOURCE: str(source)})}

    def tag_list(self, name: str, source: object = None) -> list[dict[str, str]]:
        """As most APIs take tags."""
        return [{"Key": key, "Value": value} for key, value in self.tags_of(name, source).items()]

    def owns(self, tags: Mapping[str, str]) -> bool:
        """Whether something with these tags was made for this place."""
        own = DRILL if DRILL in self.tags else RESTORE
        return tags.get(own) == self.tags[own]

    def elsewhere(self, region: str) -> Place:
        return Place(self.name, region, self.tags)


RESTORE = "restore"
"""Tag of what a restore for real makes: the name that it was given."""
SOURCE = "restored-from"
"""Tag of databases and caches that a restore makes; DynamoDB keeps by itself what a table is made of."""


def new_drill_id() -> str:
    return secrets.token_hex(_ID_BYTES)


def drill_place(environment: Environment, drill: str, *, region: str, holder: str, started: datetime) -> Place:
    """Where a drill restores to."""
    expires = started.astimezone(UTC) + timedelta(hours=environment.drills.leftover_hours)
    tags = {
        **environment.aws.tags,
        DRILL: drill,
        STARTED: f"{started.astimezone(UTC):{_MOMENT}}",
        HOLDER: holder,
        ENVIRONMENT: environment.name,
        # Whoever looks for leftovers of environments finds it by this, should the environment go meanwhile.
        "expires": f"{expires:{_MOMENT}}",
        "managed-by": MANAGED_BY,
        "project": f"{PROJECT}-drill",
    }
    return Place(f"{DRILL_PREFIX}-{environment.name}-{drill}", region, tags)


def restore_place(environment: Environment, into: str, *, region: str) -> Place:
    """Where a restore for real goes: beside what is live, under a name that people chose. Raises `BadName`."""
    name = f"{PROJECT}-{environment.name}-{into}"
    good = (
        bool(into) and into.isascii() and into.replace("-", "").isalnum() and into == into.lower() and into[0].isalpha()
    )
    if not good or "--" in into or into.endswith("-") or len(name) > LONGEST_NAME:
        raise BadName(
            f"expected a name of lower-case letters, digits and single '-', starting with a letter, at most "
            f"{LONGEST_NAME - len(PROJECT) - len(environment.name) - 2} characters, found {into!r}. "
            "Write for example --into restored"
        )
    tags = {
        **environment.aws.tags,
        RESTORE: into,
        ENVIRONMENT: environment.name,
        "managed-by": MANAGED_BY,
        "project": PROJECT,
    }
    return Place(name, region, tags)


def started_at(tags: Mapping[str, str]) -> datetime | None:
    """When the drill began that made something with these tags; None where no tag says so."""
    try:
        return datetime.strptime(tags.get(STARTED, ""), _MOMENT).replace(tzinfo=UTC)
    except ValueError:
        return None
