"""The versions of a secret by which a rotation can be interrupted anywhere: a new value is kept before it is used.

`AWSPENDING` marks the value that is being brought in, from before the server hears of it until the old one is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

PENDING, CURRENT, PREVIOUS = "AWSPENDING", "AWSCURRENT", "AWSPREVIOUS"


@dataclass(frozen=True)
class Versions:
    """Of one secret, through a boto3 client of Secrets Manager. Raises botocore's ClientError."""

    client: Any
    arn: str

    def value(self, stage: str) -> str | None:
        """The secret string that carries the stage; None where none does."""
        if (found := self._ids().get(stage)) is None:
            return None
        return str(self.client.get_secret_value(SecretId=self.arn, VersionId=found)["SecretString"])

    def propose(self, value: str) -> None:
        """Keep a new value that nobody uses yet."""
        self.client.put_secret_value(SecretId=self.arn, SecretString=value, VersionStages=[PENDING])

    @property
    def promoted(self) -> bool:
        """Whether the pending value is the one in force."""
        ids = self._ids()
        return PENDING in ids and ids[PENDING] == ids[CURRENT]

    def promote(self) -> None:
        """Let whoever reads the secret from now on get the pending value."""
        ids = self._ids()
        if ids[PENDING] != ids[CURRENT]:
            self.client.update_secret_version_stage(
                SecretId=self.arn,
                VersionStage=CURRENT,
                MoveToVersionId=ids[PENDING],
                RemoveFromVersionId=ids[CURRENT],
            )

    def conclude(self) -> None:
        """Nothing is being brought in any more."""
        if (pending := self._ids().get(PENDING)) is not None:
            self.client.update_secret_version_stage(
                SecretId=self.arn, VersionStage=PENDING, RemoveFromVersionId=pending
            )

    def _ids(self) -> dict[str, str]:
        """Version by stage."""
        stages = self.client.describe_secret(SecretId=self.arn)["VersionIdsToStages"]
        return {stage: version for version, carried in stages.items() for stage in carried}
