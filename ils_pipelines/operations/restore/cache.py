"""ElastiCache: a replication group from a snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ils_pipelines.operations.restore.errors import RestoreFailed, restoring
from ils_pipelines.operations.restore.ground import Ground, require_own
from ils_pipelines.operations.restore.place import Place
from ils_pipelines.operations.restore.waiting import wait_for
from ils_pipelines.operations.scope import tags_of

if TYPE_CHECKING:
    from ils_pipelines.targets.protocol import Target


def begin_cache(target: Target, place: Place, ground: Ground, snapshot: str, token: str) -> str:
    """Have one node restored from a snapshot, behind that auth token; its name. Does not wait.

    Raises `RestoreFailed`.
    """
    client = target.client("elasticache", region=place.region)
    settings = target.environment.cache
    if ground.cache_subnets is None or ground.cache_parameters is None:
        raise RestoreFailed(
            f"the cache cannot be restored in {ground.region}: ElastiCache copies no snapshots to other regions. It starts "
            "empty there."
        )
    own_key = {} if ground.keys.cache is None else {"KmsKeyId": ground.keys.cache}
    with restoring(f"cache {place.name}", f"snapshot {snapshot}"):
        if _is_there(client, place):
            return place.name
        client.create_replication_group(
            ReplicationGroupId=place.name,
            ReplicationGroupDescription=f"Restored cache of {target.environment.name}",
            SnapshotName=snapshot,
            Engine=settings.engine.value,
            EngineVersion=settings.engine_version,
            CacheNodeType=settings.node_type,
            NumCacheClusters=1,
            Port=settings.port,
            CacheParameterGroupName=ground.cache_parameters,
            CacheSubnetGroupName=ground.cache_subnets,
            SecurityGroupIds=[ground.security_group_id],
            AtRestEncryptionEnabled=True,
            TransitEncryptionEnabled=True,
            TransitEncryptionMode="required",
            AuthToken=token,
            SnapshotRetentionLimit=0,
            Tags=place.tag_list(place.name),
            **own_key,
        )
    return place.name


def finish_cache(target: Target, place: Place) -> None:
    """Wait for it. Raises `RestoreFailed`."""
    client = target.client("elasticache", region=place.region)
    with restoring(f"cache {place.name}", f"the restore of cache {place.name}"):
        wait_for(client, "replication_group_available", ReplicationGroupId=place.name)


def _is_there(client: Any, place: Place) -> bool:
    try:
        found = client.describe_replication_groups(ReplicationGroupId=place.name)["ReplicationGroups"][0]
    except client.exceptions.ReplicationGroupNotFoundFault:
        return False
    listed = client.list_tags_for_resource(ResourceName=found["ARN"])["TagList"]
    require_own(place, f"cache {place.name}", tags_of(listed))
    return True


def cache_flaws(target: Target, ground: Ground, name: str) -> list[str]:
    """Where a restored cache is not as it should be, by what ElastiCache says of it."""
    client = target.client("elasticache", region=ground.region)
    found = client.describe_replication_groups(ReplicationGroupId=name)["ReplicationGroups"][0]
    expected: tuple[tuple[str, object, object], ...] = (
        ("encryption in transit", True, found["TransitEncryptionEnabled"]),
        ("encryption at rest", True, found["AtRestEncryptionEnabled"]),
        ("auth token", True, found["AuthTokenEnabled"]),
        ("key", ground.keys.cache, found.get("KmsKeyId")),
    )
    return [f"{what}: expected {wanted}, found {there}" for what, wanted, there in expected if wanted != there]
