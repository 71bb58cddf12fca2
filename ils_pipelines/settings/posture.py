"""Which posture controls do not hold in an environment on purpose."""

from __future__ import annotations

from datetime import date
from fnmatch import fnmatchcase
from typing import Annotated

from pydantic import Field

from ils_pipelines.settings.controls import ControlId
from ils_pipelines.settings.section import Section


class PostureWaiver(Section):
    """A posture control that does not hold here, why, and until when that is accepted."""

    control: ControlId = Field(description="The control, as `ils posture` names it.", examples=["log-retention"])
    resource: Annotated[str, Field(min_length=1)] = Field(
        default="*", description="The resources it is accepted for, as `ils posture` names them; * stands for any text."
    )
    reason: Annotated[str, Field(min_length=20)] = Field(
        description="Why, in a sentence an auditor understands.", examples=["The reason, in a whole sentence."]
    )
    expires: date = Field(description="Last day on which the waiver holds.", examples=["2999-12-31"])

    def covers(self, control: ControlId, resource: str) -> bool:
        """Whether this is about the control and the resource; says nothing about the day."""
        return self.control is control and fnmatchcase(resource, self.resource)

    def holds(self, today: date) -> bool:
        return today <= self.expires
