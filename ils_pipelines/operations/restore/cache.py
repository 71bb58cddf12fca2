"""ElastiCache: a replication group from a snapshot, or from a file in S3."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ils_pipelines.operations.restore.errors import restoring
from ils_pipelines.operations.restore.ground import Ground, require_own
from ils_pipelines.operations.restore.place import Place
from ils_pipelines.operations.restore.waiting import wait_for
from ils_pipelines.operations.scope import tags_of

if TYPE_CHECKING:
    from ils_pipelines.targets.protocol import Target


@dataclass(frozen=True)
class FromFile:
    """An RDB file in a bucket of the region restored to, encrypted by S3's own key: ElastiCache reads no other."""

    arn: str
    copied_from: str
    """Where the set has it, as people write it."""

    def __str__(self) -> str:
        return f"file {self.copied_from}"


def begin_cache(target: Target, place: Place, ground: Ground, source: str | FromFile, token: str) -> str:
    """Have one node made of a snapshot, by its name, or of a file, behind that auth token; its name. Does not wait.

    Raises `RestoreFailed`.
    """
    client = target.client("elasticache", region=place.region)
    settings = target.environment.cache
    own_key = {} if ground.keys.cache is None else {"KmsKeyId": ground.keys.cache}
    begins: dict[str, Any] = (
        {"SnapshotArns": [source.arn]} if isinstance(source, FromFile) else {"SnapshotName": source}
    )
    said = str(source) if isinstance(source, FromFile) else f"snapshot {source}"
    with restoring(f"cache {place.name}", said):
        if cache_is_there(target, place, said):
            return place.name
        client.create_replication_group(
            ReplicationGroupId=place.name,
            ReplicationGroupDescription=f"Restored cache of {target.environment.name}",
            **begins,
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
            Tags=place.tag_list(place.name, said),
            **own_key,
        )
    return place.name


def finish_cache(target: Target, place: Place) -> None:
    """Wait for it. Raises `RestoreFailed`."""
    client = target.client("elasticache", region=place.region)
    with restoring(f"cache {place.name}", f"the restore of cache {place.name}"):
        wait_for(client, "replication_group_available", ReplicationGroupId=place.name)


def cache_is_there(target: Target, place: Place, source: object) -> bool:
    """Whether an earlier run made it. Raises `RestoreFailed` where the name is another's, or made of anything but `source`;
    botocore's ClientError.
    """
    client = target.client("elasticache", region=place.region)
    try:
        found = client.describe_replication_groups(ReplicationGroupId=place.name)["ReplicationGroups"][0]
    except client.exceptions.ReplicationGroupNotFoundFault:
        return False
    listed = client.list_tags_for_resource(ResourceName=found["ARN"])["TagList"]
    require_own(place, f"cache {place.name}", tags_of(listed), source)
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
