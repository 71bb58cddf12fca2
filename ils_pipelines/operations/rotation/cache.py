"""The cache's auth token, in two phases: both are let in while pods go over, then the new one alone."""

from __future__ import annotations

import secrets
import string
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from ils_pipelines.operations.access.cache import CacheAccess, cache_access
from ils_pipelines.operations.rotation.models import Proof, RotationFailed
from ils_pipelines.operations.rotation.versions import CURRENT, PENDING, PREVIOUS, Versions
from ils_pipelines.operations.rotation.waiting import until
from ils_pipelines.targets.protocol import Target

SUBJECT = "the cache's auth token"
PATIENCE = timedelta(minutes=20)
"""ElastiCache changes one node after the other."""
_LENGTH = 64
_ALPHABET = string.ascii_letters + string.digits
"""ElastiCache refuses most punctuation."""


@dataclass(frozen=True)
class CacheToken:
    """Of one replication group."""

    target: Target
    group: str
    secret: str
    """ARN."""
    note: Callable[[str], None]
    cancel: threading.Event

    def begin(self) -> None:
        """Have the cache let in a new token beside the old one, and the secret say the new one."""
        versions = self._versions
        access = cache_access(self.target, self.group, self.secret)
        if (problem := said(access)) is not None:
            raise RotationFailed(
                SUBJECT,
                f"that {access.host} lets in the token in {self.secret}",
                problem,
                "Nothing was changed. See that the cache can be reached from here, and that the secret is its own.",
            )
        token = versions.value(PENDING)
        if token is None:
            token = "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
            versions.propose(token)
        if said(replace(access, token=token)) is not None:
            # A third token would push out the one that pods use: only what is not let in yet is added.
            self.note(f"{self.group}: letting in a new token beside the old one")
            self._change(token, "ROTATE", replace(access, token=token))
        versions.promote()

    def finish(self) -> Proof:
        """Have the cache let in the new token alone, and see that it does."""
        versions = self._versions
        new, old = versions.value(CURRENT) or "", versions.value(PREVIOUS) or ""
        self.note(f"{self.group}: letting in the new token alone")
        access = cache_access(self.target, self.group, self.secret)
        self._change(new, "SET", access)
        refused = until(
            lambda: said(replace(access, token=old)), SUBJECT, "that the old one is refused", PATIENCE, self.cancel
        )
        versions.conclude()
        return Proof(SUBJECT, "PONG", refused)

    @property
    def _versions(self) -> Versions:
        return Versions(self.target.client("secretsmanager"), self.secret)

    def _change(self, token: str, strategy: str, access: CacheAccess) -> None:
        """Until the change is over, and whoever has the token is let in: what is described may lag behind what was asked."""
        client = self.target.client("elasticache")
        client.modify_replication_group(
            ReplicationGroupId=self.group,
            AuthToken=token,
            AuthTokenUpdateStrategy=strategy,
            ApplyImmediately=True,
        )

        def available() -> bool | None:
            found = client.describe_replication_groups(ReplicationGroupId=self.group)["ReplicationGroups"][0]
            changing = (found.get("PendingModifiedValues") or {}).get("AuthTokenStatus")
            over = found["Status"] == "available" and not changing
            return True if over and said(access) is None else None

        expected = "that its change of token is over and the new one is let in"
        until(available, self.group, expected, PATIENCE, self.cancel)


def said(access: CacheAccess) -> str | None:
    """Why the cache does not let the token in; None when it does."""
    from valkey.exceptions import ValkeyError

    try:
        with access.connect() as client:
            client.ping()
    except ValkeyError as error:
        return str(error).rstrip(".")
    return None
