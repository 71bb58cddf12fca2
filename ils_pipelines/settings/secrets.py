"""The secrets of an environment."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from ils_pipelines.settings.section import Section, refuse

PLACEHOLDER = "not set: a person has to put the value in"
"""The first version of every secret that a person fills in. Not JSON, so that whoever takes it for a value fails at once."""
SHORTEST_RECOVERY_WINDOW_DAYS = 7
"""What Secrets Manager offers besides deleting at once."""


def _offered(days: int) -> int:
    if 0 < days < SHORTEST_RECOVERY_WINDOW_DAYS:
        raise refuse(
            "is a window Secrets Manager does not offer", f"Use {SHORTEST_RECOVERY_WINDOW_DAYS} to 30, or 0 for none."
        )
    return days


class Secrets(Section):
    """How what Secrets Manager keeps can be lost. The values themselves are in no file."""

    recovery_window_days: Annotated[int, Field(strict=True, ge=0, le=30), AfterValidator(_offered)] = Field(
        default=0,
        description="Days in which a deleted secret can be taken back, and in which its name is not free; 0 for none.",
    )
