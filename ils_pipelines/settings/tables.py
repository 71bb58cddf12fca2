"""The DynamoDB tables of an environment."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ils_pipelines.settings.section import Flag, Section


class Tables(Section):
    """Sessions and analytics, billed by request and encrypted under a key of ours."""

    recovery_days: Annotated[int, Field(strict=True, ge=0, le=35)] = Field(
        default=0, description="Days that point-in-time recovery reaches back; 0 turns it off."
    )
    deletion_protection: Flag = Field(default=False, description="Whether DynamoDB itself refuses to delete a table.")
