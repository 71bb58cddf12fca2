"""Secrets Manager: the environment's secrets, and the database's, which RDS keeps."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from ils_pipelines.operations.live import Live, Record
from ils_pipelines.operations.posture.evaluators.keys import encrypted
from ils_pipelines.operations.posture.models import Observation
from ils_pipelines.operations.scope import tags_of

_LONGEST = timedelta(days=90)
_OWNER_TAG = "aws:rds:primaryDBClusterArn"


def encryption(live: Live) -> Iterator[Observation]:
    for name, secret in _secrets(live):
        yield encrypted(live, name, secret.get("KmsKeyId"))


def rotation(live: Live) -> Iterator[Observation]:
    for name, secret in _secrets(live):
        on, by_rds = bool(secret.get("RotationEnabled")), secret.get("OwningService") == "rds"
        found = "rotated by RDS" if by_rds else "on" if on else "off"
        yield Observation(name, "rotation on", found, on or by_rds)


def rotation_period(live: Live) -> Iterator[Observation]:
    for name, secret in _secrets(live):
        days = secret.get("RotationRules", {}).get("AutomaticallyAfterDays")
        if secret.get("RotationEnabled") and days is not None:
            holds = days <= _LONGEST.days
            yield Observation(name, f"rotated at least every {_LONGEST.days} days", f"every {days} days", holds)


def _secrets(live: Live) -> Iterator[tuple[str, Record]]:
    for secret in live.list("secretsmanager", "list_secrets", "SecretList"):
        tags = tags_of(secret.get("Tags"))
        owner = tags.get(_OWNER_TAG, "").rsplit(":", 1)[-1]
        if live.scope.owns_name(secret["Name"]) or live.scope.owns_tags(tags) or live.scope.owns_name(owner):
            yield f"secret {secret['Name']}", secret
