"""What an environment is for, where it lives, and which rules it may break."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from ils_pipelines.settings.section import Section


class TargetKind(StrEnum):
    """Where an environment lives."""

    SANDBOX = "sandbox"
    """The local stand-in: no account, nothing costs anything."""
    AWS = "aws"
    """An account; needs `aws.account_id`."""


class Tier(StrEnum):
    """What an environment is for; the rules of `production` ask for more."""

    DEVELOPMENT = "development"
    STAGING = "staging"
    PRODUCTION = "production"


class WaivableRule(StrEnum):
    """Rules of the production tier that an environment may break, with a reason."""

    DELETION_PROTECTION = "deletion_protection"
    MULTI_AZ = "multi_az"
    POINT_IN_TIME_RECOVERY = "point_in_time_recovery"
    LOG_RETENTION = "log_retention"
    """Posture asks for a year of logs everywhere; shorter is a decision of the environment."""


class Waiver(Section):
    """A rule that does not hold here, why, and until when that is accepted."""

    rule: WaivableRule = Field(description="The rule that is broken on purpose.", examples=["multi_az"])
    reason: Annotated[str, Field(min_length=20)] = Field(
        description="Why, in a sentence an auditor understands.", examples=["The reason, in a whole sentence."]
    )
    expires: date = Field(description="Last day on which the waiver holds.", examples=["2999-12-31"])
