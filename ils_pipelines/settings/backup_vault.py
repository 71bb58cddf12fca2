"""Where the backups of an environment are kept."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from ils_pipelines.settings.section import DailyTime, Days, Region, Section


class LockMode(StrEnum):
    """Who may delete a locked backup before its time."""

    GOVERNANCE = "governance"
    """Those whom a policy explicitly allows to."""
    COMPLIANCE = "compliance"
    """Nobody, the account's root user included: cannot be taken back."""


class BackupVault(Section):
    """A vault for the tables' nightly recovery points and a locked bucket for backup sets, both copied to another region."""

    dr_region: Region = Field(
        default="us-west-2", description="Region of the copies: one that does not fail together with aws.region."
    )
    start: DailyTime = Field(
        default="04:30", description="When the nightly recovery points are taken, UTC: after the backup windows."
    )
    recovery_point_days: Annotated[int, Field(strict=True, ge=1, le=3650)] = Field(
        default=7, description="Days that a nightly recovery point of a table is kept."
    )
    dr_recovery_point_days: Annotated[int, Field(strict=True, ge=1, le=3650)] = Field(
        default=7, description="Days that its copy in the other region is kept."
    )
    lock_mode: LockMode = Field(
        default=LockMode.GOVERNANCE, description="Who may delete a backup set before lock_days are over."
    )
    lock_days: Annotated[int, Field(strict=True, ge=1, le=3650)] = Field(
        default=1, description="Days after its upload in which a backup set can be neither deleted nor overwritten."
    )
    undelete_days: Days = Field(
        default=7, description="Days that a deleted or overwritten backup set can still be taken back."
    )
    archive_after_days: Annotated[int, Field(strict=True, ge=0, le=3650)] = Field(
        default=0,
        description="Days after which backup sets move to Glacier Instant Retrieval, which is charged for 90; 0 never.",
    )
