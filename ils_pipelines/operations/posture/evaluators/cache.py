"""ElastiCache: the replication groups."""

from __future__ import annotations

from collections.abc import Iterator

from ils_pipelines.operations.live import Live, Record
from ils_pipelines.operations.posture.evaluators.keys import CUSTOMER_KEY, encrypted
from ils_pipelines.operations.posture.models import Observation


def encryption(live: Live) -> Iterator[Observation]:
    for name, group in _groups(live):
        if group.get("AtRestEncryptionEnabled"):
            yield encrypted(live, name, group.get("KmsKeyId"))
        else:
            yield Observation(name, CUSTOMER_KEY, "not encrypted", holds=False)


def tls(live: Live) -> Iterator[Observation]:
    for name, group in _groups(live):
        on = bool(group.get("TransitEncryptionEnabled"))
        mode = group.get("TransitEncryptionMode", "required") if on else "off"
        yield Observation(name, "TLS required", mode, on and mode == "required")


def auth_token(live: Live) -> Iterator[Observation]:
    for name, group in _groups(live):
        users = group.get("UserGroupIds") or ()
        on = bool(group.get("AuthTokenEnabled") or users)
        yield Observation(name, "an auth token or a user group", "there" if on else "none", on)


def failover(live: Live) -> Iterator[Observation]:
    for name, group in _groups(live):
        state = str(group.get("AutomaticFailover", "disabled"))
        yield Observation(name, "automatic failover on", state, state in {"enabled", "enabling"})


def backups(live: Live) -> Iterator[Observation]:
    for name, group in _groups(live):
        days = int(group.get("SnapshotRetentionLimit") or 0)
        yield Observation(name, "snapshots kept for a day or more", f"{days} days", days >= 1)


def subnet_group(live: Live) -> Iterator[Observation]:
    groups = {group["ReplicationGroupId"]: name for name, group in _groups(live)}
    if not groups:
        return
    for member in live.list("elasticache", "describe_cache_clusters", "CacheClusters"):
        if member.get("ReplicationGroupId") in groups:
            subnets = member.get("CacheSubnetGroupName") or "none"
            yield Observation(
                f"cache node {member['CacheClusterId']}",
                "a subnet group other than the default",
                subnets,
                subnets not in {"default", "none"},
            )


def _groups(live: Live) -> Iterator[tuple[str, Record]]:
    for group in live.list("elasticache", "describe_replication_groups", "ReplicationGroups"):
        if live.scope.owns_name(group["ReplicationGroupId"]):
            yield f"cache {group['ReplicationGroupId']}", group
