"""What `ils up NAME --from BASE --ttl TIME` does before it provisions: an environment of its own, for a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ils_pipelines.settings.ephemeral import Ephemeral, parse_ttl
from ils_pipelines.settings.ephemeral_files import draft_ephemeral, prolong_ephemeral, write_ephemeral
from ils_pipelines.targets import open_target

if TYPE_CHECKING:
    from ils_pipelines.targets.protocol import Target


@dataclass(frozen=True)
class Lifetime:
    """What the command line says of it: made from `base`, or, without one, given more time."""

    ttl: str
    base: str = ""
    cidr: str = ""


def open_for_a_time(name: str, lifetime: Lifetime) -> Target:
    """The target of the environment, whose file was written or prolonged. Raises an `IlsError`, writing nothing."""
    ttl = parse_ttl(lifetime.ttl)
    if not lifetime.base:
        return open_target(prolong_ephemeral(name, ttl))
    environment, content = draft_ephemeral(name, base=lifetime.base, ttl=ttl, cidr=lifetime.cidr or None)
    target = open_target(environment)
    target.preflight()  # where nothing can be made, nothing is left behind either
    write_ephemeral(environment, content)
    return target


def time_left(ephemeral: Ephemeral, now: datetime | None = None) -> str:
    """`for another 7 h 12 min, from dev`, or that its time is over."""
    left = ephemeral.expires - (now or datetime.now(UTC))
    minutes = int(abs(left).total_seconds()) // 60
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    parts = [f"{number} {unit}" for number, unit in ((days, "d"), (hours, "h"), (minutes, "min")) if number]
    span = " ".join(parts[:2]) or "less than a minute"
    if left.total_seconds() > 0:
        return f"for another {span}, made from {ephemeral.base}"
    return f"past its time for {span}, made from {ephemeral.base}"
