"""ElastiCache: the replication group and each of its nodes."""

from __future__ import annotations

from collections.abc import Iterator

from ils_pipelines.operations.health.judging import States, judged, share
from ils_pipelines.operations.health.models import HealthFinding
from ils_pipelines.operations.live import Record
from ils_pipelines.operations.view import View

_STATES = States("available", frozenset({"modifying", "snapshotting", "creating"}))
_REMEDY = "Look at the events of the group in the ElastiCache console; `ils drift` says what is missing."


def group(view: View) -> Iterator[HealthFinding]:
    name = view.output("replication_group_id")
    found = _group(view)
    yield judged(f"cache {name}", found, "Status", _STATES, _REMEDY)


def nodes(view: View) -> Iterator[HealthFinding]:
    """Every node of the group, and whether there are as many as the environment file says."""
    found = _group(view)
    if found is None:
        return
    ready = []
    for member in found.get("MemberClusters", ()):
        node = view.described(
            "elasticache", "describe_cache_clusters", "CacheClusters", CacheClusterId=member, ShowCacheNodeInfo=True
        )
        verdict = judged(f"cache node {member}", node, "CacheClusterStatus", _STATES, _REMEDY, _node_troubles)
        ready += [member] if node is not None and node.get("CacheClusterStatus") == _STATES.good else []
        yield verdict
    yield share(
        f"nodes of cache {view.output('replication_group_id')}",
        "nodes available",
        len(ready),
        view.environment.cache.nodes,
        _REMEDY,
    )


def _group(view: View) -> Record | None:
    return view.described(
        "elasticache",
        "describe_replication_groups",
        "ReplicationGroups",
        ReplicationGroupId=view.output("replication_group_id"),
    )


def _node_troubles(cluster: Record) -> str:
    states = [str(node.get("CacheNodeStatus", "no state")) for node in cluster.get("CacheNodes", ())]
    return ", ".join(state for state in states if state != _STATES.good)
