"""What drills left that nobody is at work with any more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ils_pipelines.operations.restore.sweep import is_left_over, of_drills

if TYPE_CHECKING:
    from ils_pipelines.operations.restore.kinds import Made
    from ils_pipelines.targets.protocol import Target


def left_by_drills(target: Target, *, orphans_of: str = "", now: datetime | None = None) -> tuple[Made, ...]:
    """What is too old, and what belongs to the holder `orphans_of`, which runs no drill. Raises `CannotLook`."""
    longest = timedelta(hours=target.environment.drills.leftover_hours)
    moment = now or datetime.now(UTC)
    return tuple(
        made for made in of_drills(target) if is_left_over(made, now=moment, longest=longest, orphans_of=orphans_of)
    )
