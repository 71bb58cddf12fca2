"""What drills left that nobody is at work with any more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ils_pipelines.operations.restore.sweep import Found, find_drills, is_left_over

if TYPE_CHECKING:
    from ils_pipelines.targets.protocol import Target


def left_by_drills(target: Target, *, orphans_of: str = "", now: datetime | None = None) -> Found:
    """What is too old, and what belongs to the holder `orphans_of`, which runs no drill."""
    longest = timedelta(hours=target.environment.drills.leftover_hours)
    moment = now or datetime.now(UTC)
    found = find_drills(target)
    left = (made for made in found.made if is_left_over(made, now=moment, longest=longest, orphans_of=orphans_of))
    return Found(tuple(left), found.unseen)
