"""How an environment in an AWS account is applied: Pulumi's state, its secrets, its versions, and how long it may take."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from ils_pipelines.settings.section import Section, text

PULUMI_VERSION = "3.274.1"
"""The release of Pulumi's command line that this code is tested with; `tools/pulumi/go.mod` names the same."""

_VERSION = text(r"\d+\.\d+\.\d+", "is not a version", f'Write all three numbers in quotes: "{PULUMI_VERSION}".')

_S3 = r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[^?\s]*)?(\?\S+)?"
_KMS = r"awskms://(/arn:aws[a-z-]*:kms:\S+|alias/\S+|[0-9a-f-]{36}\S*)"


class EngineSettings(Section):
    """The Pulumi engine; the sandbox has its own, which needs none of this."""

    backend: (
        Annotated[
            str,
            text(
                rf"file:///\S*|{_S3}",
                "is not a place where Pulumi can keep state",
                'Write for example "s3://ils-pulumi-state?region=us-east-1&awssdk=v2" or "file:///var/lib/ils/state".',
            ),
        ]
        | None
    ) = Field(
        default=None,
        description="Where Pulumi keeps its state: an S3 bucket, or a folder of this machine. Needed for target aws.",
    )
    secrets_provider: Annotated[
        str,
        text(
            rf"passphrase|{_KMS}",
            "is no way to encrypt the secrets in the state",
            'Write "awskms://alias/ils-pulumi?region=us-east-1", or "passphrase".',
        ),
    ] = Field(
        default="passphrase",
        description="What encrypts the secrets in the state: a KMS key, or a passphrase.",
    )
    passphrase_file: Annotated[
        str, text(r"/.*", "is not an absolute path", 'Write for example "/etc/ils/passphrase".')
    ] | (None) = Field(
        default=None,
        description="File with the passphrase; by default PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE tell.",
    )
    pulumi_version: Annotated[str, _VERSION] = Field(
        default=PULUMI_VERSION, description="The release of Pulumi's command line; any other is refused."
    )
    aws_provider_version: Annotated[str, _VERSION] | None = Field(
        default=None,
        description="The release of Pulumi's AWS provider; any other is refused. By default the one the code is locked to.",
    )
    parallel: Annotated[int, Field(strict=True, ge=1, le=256)] = Field(
        default=32, description="How many resources of one layer are worked on at the same time."
    )
    read_timeout_minutes: Annotated[int, Field(strict=True, ge=1, le=240)] = Field(
        default=20, description="After how many minutes a preview or a drift scan of one layer is given up."
    )
    change_timeout_minutes: Annotated[int, Field(strict=True, ge=5, le=720)] = Field(
        default=120,
        description="After how many minutes an up or a destroy of one layer is interrupted, as Ctrl-C would.",
    )

    @property
    def read_timeout(self) -> timedelta:
        return timedelta(minutes=self.read_timeout_minutes)

    @property
    def change_timeout(self) -> timedelta:
        return timedelta(minutes=self.change_timeout_minutes)
