"""What a cache of another region stands on, and the file that it is made of, as `kinds` has the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from ils_pipelines.operations.backup.errors import NoBackupPlace
from ils_pipelines.operations.backup.places import find_places
from ils_pipelines.operations.backup.transfer import Transfer
from ils_pipelines.operations.restore.kinds import Kind, Made, delete_by
from ils_pipelines.operations.scope import tags_of

if TYPE_CHECKING:
    from ils_pipelines.targets.protocol import Target


def _groups(kind: str, operation: str, member: str, named: str) -> Callable[[Target, str, str], Iterator[Made]]:
    def look(target: Target, region: str, prefix: str) -> Iterator[Made]:
        client = target.client("elasticache", region=region)
        for page in client.get_paginator(operation).paginate():
            for each in page[member]:
                name = each[named]
                if name.startswith(prefix):
                    tags = tags_of(client.list_tags_for_resource(ResourceName=each["ARN"])["TagList"])
                    yield Made(kind, name, name, region, None, tags)

    return look


def _files(target: Target, region: str, prefix: str) -> Iterator[Made]:
    """What a cache is made of, in the bucket of transfers."""
    transfer = _transfer(target, region)
    if transfer is None:
        return
    pages = transfer.s3.get_paginator("list_objects_v2").paginate(Bucket=transfer.bucket, Prefix=prefix)
    for page in pages:
        for each in page.get("Contents", ()):
            tags = tags_of(transfer.s3.get_object_tagging(Bucket=transfer.bucket, Key=each["Key"])["TagSet"])
            name = each["Key"].removesuffix(".rdb")
            yield Made("file", name, each["Key"], region, each["LastModified"], tags)


def _delete_file(target: Target, made: Made) -> None:
    transfer = _transfer(target, made.region)
    if transfer is not None:
        transfer.forget(made.id)


def _transfer(target: Target, region: str) -> Transfer | None:
    """None while the environment has none: then there is nothing in it."""
    try:
        return Transfer.of(target, find_places(target).side(region))
    except NoBackupPlace:
        return None


SUBNET_GROUP, PARAMETER_GROUP = "cache subnet group", "cache parameter group"
CACHE_KINDS: tuple[Kind, ...] = (
    Kind(
        SUBNET_GROUP,
        2,
        _groups(SUBNET_GROUP, "describe_cache_subnet_groups", "CacheSubnetGroups", "CacheSubnetGroupName"),
        delete_by("elasticache", "delete_cache_subnet_group", "CacheSubnetGroupName", "NotFound"),
    ),
    Kind(
        PARAMETER_GROUP,
        2,
        _groups(PARAMETER_GROUP, "describe_cache_parameter_groups", "CacheParameterGroups", "CacheParameterGroupName"),
        delete_by("elasticache", "delete_cache_parameter_group", "CacheParameterGroupName", "NotFound"),
    ),
    Kind("file", 2, _files, _delete_file),
)
