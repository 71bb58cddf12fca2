"""A fingerprint of what is live: how it is set up, not what it holds, which its users change all the time.

A drill takes it before it begins and when it is done. Any difference is named, whoever made it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ils_pipelines.operations.live import Live
from ils_pipelines.operations.restore.namespaces import cluster_of
from ils_pipelines.operations.restore.tables import read_shape
from ils_pipelines.provisioning.layers import layer_work
from ils_pipelines.release.objects import RELEASED
from ils_pipelines.settings.layers import Layer

if TYPE_CHECKING:
    from ils_pipelines.targets.protocol import Target

_VOLATILE = frozenset(
    {
        "EarliestRestorableTime",
        "LatestRestorableTime",
        "LatestRestorableDateTime",
        "EarliestRestorableDateTime",
        "ItemCount",
        "TableSizeBytes",
        "IndexSizeBytes",
        "SnapshottingClusterId",
        "LastAccessedDate",
        "ResponseMetadata",
        "WarmThroughput",
    }
)
_NOISE = frozenset({"resourceVersion", "managedFields", "generation", "uid", "creationTimestamp"})


@dataclass(frozen=True)
class Fingerprint:
    parts: Mapping[str, str]
    """What was looked at, and a digest of how it is."""

    @property
    def digest(self) -> str:
        return _digest(dict(self.parts))

    def changes(self, later: Fingerprint) -> tuple[str, ...]:
        """What is not as it was, in words."""
        return tuple(
            f"{name} {_change(self.parts.get(name), later.parts.get(name))}"
            for name in sorted({*self.parts, *later.parts})
            if self.parts.get(name) != later.parts.get(name)
        )


def _change(before: str | None, after: str | None) -> str:
    if before is None:
        return "is new"
    return "is gone" if after is None else "is not as it was"


def fingerprint(target: Target) -> Fingerprint:
    """Look at what is live. Reads only. Raises `ApiUnavailable`, `ReleaseError`."""
    live = Live(target)
    with ThreadPoolExecutor(len(_LOOKS)) as pool:
        found = pool.map(lambda look: dict(look(target, live)), _LOOKS)
        return Fingerprint({name: _digest(value) for several in found for name, value in several.items()})


def _cluster(target: Target, live: Live) -> Iterator[tuple[str, Any]]:
    name = _outputs(target, Layer.CLUSTER).get("cluster_name")
    if name is not None:
        found = live.find("eks", "describe_cluster", name=name)
        yield f"cluster {name}", found and found["cluster"]


_Look = Callable[["Target", Live], Iterator[tuple[str, Any]]]


def _outputs(target: Target, layer: Layer) -> Mapping[str, Any]:
    return {name: output.value for name, output in (layer_work(target, layer).outputs() or {}).items()}


def _database(target: Target, live: Live) -> Iterator[tuple[str, Any]]:
    name = _outputs(target, Layer.DATABASE).get("cluster_identifier")
    if name is not None:
        found = live.find("rds", "describe_db_clusters", DBClusterIdentifier=name)
        yield f"database cluster {name}", found and found["DBClusters"]
        for each in live.list("rds", "describe_db_instances", "DBInstances"):
            if each.get("DBClusterIdentifier") == name:
                yield f"database instance {each['DBInstanceIdentifier']}", each


def _cache(target: Target, live: Live) -> Iterator[tuple[str, Any]]:
    name = _outputs(target, Layer.CACHE).get("replication_group_id")
    if name is not None:
        found = live.find("elasticache", "describe_replication_groups", ReplicationGroupId=name)
        yield f"cache {name}", found and found["ReplicationGroups"]


def _tables(target: Target, live: Live) -> Iterator[tuple[str, Any]]:
    outputs = _outputs(target, Layer.TABLES)
    for output in ("sessions_table_name", "analytics_table_name"):
        if output in outputs:
            found = live.find("dynamodb", "describe_table", TableName=outputs[output])
            yield f"table {outputs[output]}", found and found["Table"]
            if found:
                yield (
                    f"settings of table {outputs[output]}",
                    repr(read_shape(target.client("dynamodb"), outputs[output])),
                )


def _network(target: Target, live: Live) -> Iterator[tuple[str, Any]]:
    vpc = _outputs(target, Layer.VPC).get("vpc_id")
    if vpc is not None:
        own = tuple(
            sorted(str(value) for name, value in _outputs(target, Layer.VPC).items() if "security_group" in name)
        )
        filters = [{"Name": "group-id", "Values": list(own)}]
        for each in live.list("ec2", "describe_security_groups", "SecurityGroups", Filters=filters):
            yield f"security group {each['GroupName']}", each


def _secrets(target: Target, live: Live) -> Iterator[tuple[str, Any]]:
    for layer in (Layer.SECRETS, Layer.CACHE, Layer.DATABASE):
        for name, value in _outputs(target, layer).items():
            if name.endswith("secret_arn"):
                found = live.find("secretsmanager", "describe_secret", SecretId=value)
                yield f"secret {value.rpartition(':')[2]}", found


def _objects(target: Target, _live: Live) -> Iterator[tuple[str, Any]]:
    cluster = cluster_of(target)
    namespace = target.environment.app.namespace
    for kind in () if cluster is None else [kind for step in RELEASED for kind in step if kind.namespaced]:
        if kind.api_version.partition("/")[0].endswith(".k8s.aws"):
            continue
        for each in cluster.find(kind, {}, namespace):  # type: ignore[union-attr]
            body = {name: value for name, value in each.items() if name != "status"}
            # A pod count that the autoscaler sets is no change of ours.
            if kind.kind == "Deployment":
                body = {**body, "spec": {**body["spec"], "replicas": None}}
            yield f"{kind.kind} {namespace}/{each['metadata']['name']}", body


_LOOKS: tuple[_Look, ...] = (_cluster, _database, _cache, _tables, _network, _secrets, _objects)


def _digest(value: Any) -> str:
    text = json.dumps(_plain(value), sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: Any) -> Any:
    """Without what moves by itself, lists of records in one order."""
    if isinstance(value, Mapping):
        return {
            str(key): _plain(inner)
            for key, inner in value.items()
            if key not in _VOLATILE and key not in _NOISE and not str(key).startswith("deployment.kubernetes.io/")
        }
    if isinstance(value, list | tuple):
        return sorted(
            (_plain(inner) for inner in value), key=lambda inner: json.dumps(inner, sort_keys=True, default=str)
        )
    return value
