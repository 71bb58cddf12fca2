"""Which account and region an environment lives in."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field

from ils_pipelines.settings.section import Region, Section, refuse, text


def _tags(tags: dict[str, str]) -> dict[str, str]:
    for key in tags:
        if key.lower().startswith("aws:"):
            raise refuse(f"tag {key!r} starts with 'aws:', which AWS keeps for itself", "Choose another prefix.")
        if key in RESERVED_TAGS:
            raise refuse(f"tag {key!r} is set by the layers themselves", "Leave it out, or use another key.")
    return tags


MAX_ATTEMPTS = 8
"""How often a call of AWS is made, by our clients and by Pulumi's providers, before it has failed."""
RESERVED_TAGS = frozenset({"Name", "environment", "expires", "layer", "managed-by", "project"})


class JobFamily(StrEnum):
    """Jobs that need the same of AWS: each has policies of its own in `deploy/iam`, and can have a role of its own.

    What applies is in none of them: that is `assume_role`.
    """

    READ_ONLY = "read_only"
    """Drift and posture."""
    HEALTH = "health"
    """Makes one job in the environment's cluster, which asks from inside."""
    BACKUP = "backup"
    DRILL = "drill"
    CERTIFICATES = "certificates"
    COSTS = "costs"
    NOTIFICATIONS = "notifications"
    """Tells people. In a sensor, not in a run: who evaluates sensors needs this role alone."""


RoleArn = Annotated[
    str,
    text(
        r"arn:aws[a-z-]*:iam::\d{12}:role/.+",
        "is not the ARN of a role",
        'Write for example "arn:aws:iam::123456789012:role/ils-deployer".',
    ),
]


class AwsAccount(Section):
    """Where in AWS; the sandbox uses the region and the tags and ignores the rest."""

    region: Region = Field(
        default="us-east-1",
        description="Region of every resource of the environment, but for the copies of its backups.",
        examples=["us-east-1"],
    )
    account_id: (
        Annotated[str, text(r"\d{12}", "is not an account id", 'Write its twelve digits in quotes: "123456789012".')]
        | None
    ) = Field(
        default=None,
        description="Account that is meant; applying with credentials of another one is refused. Needed for target aws.",
    )
    profile: str | None = Field(
        default=None, description="Profile of the shared AWS configuration; None uses the default credential chain."
    )
    assume_role: RoleArn | None = Field(default=None, description="ARN of the role that is assumed before any call.")
    roles: dict[JobFamily, RoleArn] = Field(
        default_factory=dict,
        description="Roles that families of jobs assume in the place of assume_role, with the same external id.",
        examples=[{"costs": "arn:aws:iam::123456789012:role/ils-costs"}],
    )
    external_id: (
        Annotated[
            str,
            text(
                r"[\w+=,.@:/-]{2,1224}",
                "is not an external id",
                "Use 2 to 1224 letters, digits or any of _+=,.@:/-, exactly as the role's trust policy has it.",
            ),
        ]
        | None
    ) = Field(default=None, description="External id that the trust policies of assume_role and roles ask for.")
    session_name: Annotated[
        str,
        text(r"[\w+=,.@-]{2,64}", "is not a session name", "Use 2 to 64 letters, digits or any of _+=,.@-."),
    ] = Field(default="ils-pipelines", description="Name of the session in assume_role, which CloudTrail shows.")
    session_minutes: Annotated[int, Field(strict=True, ge=15, le=720)] = Field(
        default=60,
        description="How long the credentials of assume_role last before they are renewed; at most what the role allows, "
        "and 60 when another role assumes it.",
    )
    tags: Annotated[dict[str, str], AfterValidator(_tags)] = Field(
        default_factory=dict, description="Tags put on every resource beside the layers' own.", max_length=40
    )

    @property
    def partition(self) -> str:
        """The partition of ARNs in this region: `aws`, `aws-cn` or `aws-us-gov`."""
        return partition_of(self.region)


def partition_of(region: str) -> str:
    """The partition that a region belongs to: nothing is copied from one to another."""
    return {"cn": "aws-cn", "us-gov": "aws-us-gov"}.get(region.rsplit("-", 2)[0], "aws")
