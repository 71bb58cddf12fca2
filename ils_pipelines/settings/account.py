"""Which account and region an environment lives in."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from ils_pipelines.settings.section import Section, refuse, text


def _tags(tags: dict[str, str]) -> dict[str, str]:
    for key in tags:
        if key.lower().startswith("aws:"):
            raise refuse(f"tag {key!r} starts with 'aws:', which AWS keeps for itself", "Choose another prefix.")
        if key in RESERVED_TAGS:
            raise refuse(f"tag {key!r} is set by the layers themselves", "Leave it out, or use another key.")
    return tags


RESERVED_TAGS = frozenset({"Name", "environment", "layer", "managed-by", "project"})


class AwsAccount(Section):
    """Where in AWS; the sandbox uses the region and the tags and ignores the rest."""

    region: Annotated[str, text(r"[a-z]{2}(-[a-z]+)+-\d", "is not an AWS region", 'Write for example "us-east-1".')] = (
        Field(default="us-east-1", description="Region of every resource of the environment.", examples=["us-east-1"])
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
    assume_role: (
        Annotated[
            str,
            text(
                r"arn:aws[a-z-]*:iam::\d{12}:role/.+",
                "is not the ARN of a role",
                'Write for example "arn:aws:iam::123456789012:role/ils-deployer".',
            ),
        ]
        | None
    ) = Field(default=None, description="ARN of the role that is assumed before any call.")
    tags: Annotated[dict[str, str], AfterValidator(_tags)] = Field(
        default_factory=dict, description="Tags put on every resource beside the layers' own.", max_length=40
    )

    @property
    def partition(self) -> str:
        """The partition of ARNs in this region: `aws`, `aws-cn` or `aws-us-gov`."""
        return {"cn": "aws-cn", "us-gov": "aws-us-gov"}.get(self.region.rsplit("-", 2)[0], "aws")
