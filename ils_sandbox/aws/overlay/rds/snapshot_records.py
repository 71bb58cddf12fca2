"""What is remembered of cluster snapshots, where moto has no place for it."""

from __future__ import annotations

from typing import Any

from ils_sandbox.aws.calls import Call
from ils_sandbox.aws.overlay.world import World
from ils_sandbox.data.records import State

SNAPSHOTS = "rds.cluster-snapshots"


def remember(call: Call, world: World, name: str, kept: dict[str, Any]) -> None:
    world.table(SNAPSHOTS, call)[name] = kept


def find(call: Call, world: World, name: str) -> dict[str, Any]:
    """What is remembered of a snapshot, by its name or its ARN, which may be of another region."""
    if not name.startswith("arn:"):
        return dict(world.table(SNAPSHOTS, call).get(name, {}))
    _, _, _, region, account, _, short = name.split(":", 6)
    return dict(world.store.tables.get((SNAPSHOTS, account, region), {}).get(short, {}))


def forget(call: Call, world: World, name: str) -> None:
    """A snapshot is deleted, its data with it."""
    kept = world.table(SNAPSHOTS, call).pop(name, {})
    if world.data is not None and "data" in kept:
        world.data.delete_snapshot(kept["data"])


def state_of(world: World, kept: dict[str, Any]) -> State | None:
    """How it stands with a snapshot's data; None when there are none."""
    return None if world.data is None or "data" not in kept else world.data.snapshot(kept["data"])
