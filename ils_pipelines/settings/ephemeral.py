"""An environment that is made for a time: what its file says beside what others say, and how long a time may be."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, Field

from ils_pipelines.errors import IlsError
from ils_pipelines.settings.section import EnvironmentName, Section

SHORTEST = timedelta(minutes=15)
"""An environment takes longer than that to be made."""
LONGEST = timedelta(days=14)
"""What is needed for longer is worth a file in `environments/`."""
_PARTS = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?")


class BadTimeToLive(IlsError):
    """A time to live that cannot be read, or is too short or too long. Nothing was made."""


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


Moment = Annotated[AwareDatetime, AfterValidator(_utc)]


class Ephemeral(Section):
    """What makes an environment go away by itself."""

    base: EnvironmentName = Field(description="The lasting environment whose file it was made from.", examples=["dev"])
    created: Moment = Field(description="When it was made.", examples=["2026-01-01T00:00:00Z"])
    expires: Moment = Field(description="When it is torn down.", examples=["2026-01-01T08:00:00Z"])

    def expired(self, now: datetime) -> bool:
        """Whether its time is over."""
        return now >= self.expires


def parse_ttl(text: str) -> timedelta:
    """`8h`, `90m`, `2d`, `1d12h`. Raises `BadTimeToLive`."""
    found = _PARTS.fullmatch(text.strip().lower())
    if not text.strip() or found is None:
        raise BadTimeToLive(
            f"expected a time to live such as 8h, 90m, 2d or 1d12h, found {text!r}. Nothing was made or changed."
        )
    days, hours, minutes = (int(part or 0) for part in found.groups())
    try:
        ttl = timedelta(days=days, hours=hours, minutes=minutes)
    except OverflowError:
        ttl = timedelta.max
    if not SHORTEST <= ttl <= LONGEST:
        raise BadTimeToLive(
            f"expected a time to live from 15 minutes to 14 days, found {text!r}. Nothing was made or changed. What is "
            "needed for longer is worth a file of its own among the environments."
        )
    return ttl
