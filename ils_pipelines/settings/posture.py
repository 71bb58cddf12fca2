"""Which posture controls do not hold in an environment on purpose."""

from __future__ import annotations

from datetime import date
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from ils_pipelines.settings.controls import ControlId
from ils_pipelines.settings.section import Section, refuse


def _known(name: Any) -> Any:
    """Refuse an unknown name here: pydantic's own message would list all of them."""
    names = [control.value for control in ControlId]
    if name in names:
        return name
    near = get_close_matches(str(name), names, n=3)
    meant = f"Use one like {', '.join(near)}" if near else "Use one"
    raise refuse("is not a posture control", f"{meant}, as the JSON of `ils posture` names them all.")


class PostureWaiver(Section):
    """A posture control that does not hold here, why, and until when that is accepted."""

    control: Annotated[ControlId, BeforeValidator(_known)] = Field(
        description="The control, as `ils posture` names it.", examples=["log-retention"]
    )
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
