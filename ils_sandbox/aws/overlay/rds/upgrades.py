"""Other engine versions for clusters that exist: at once, or in the maintenance window that opens next."""

from __future__ import annotations

from typing import Any

from ils_pipelines.settings.windows import next_opening
from ils_sandbox.aws.calls import Call
from ils_sandbox.aws.overlay import durations
from ils_sandbox.aws.overlay.rds.extras import Kind
from ils_sandbox.aws.overlay.rds.versions import ENGINE, major_of, resolve, targets_of
from ils_sandbox.aws.overlay.world import Result, World
from ils_sandbox.aws.responses import AwsError

PENDING = "PendingModifiedValues"
UPGRADING = "upgrading"
_DUE = "UpgradeDue"


def ask(call: Call, world: World, kind: Kind, current: Result, params: dict[str, Any]) -> None:
    """Take the version out of what ModifyDBCluster is asked for, and have the cluster brought there when it is wanted.

    Raises InvalidParameterCombination for a version that the cluster cannot be brought to.
    """
    if not params.get("EngineVersion") or current["Engine"] != ENGINE:
        return
    wanted, version = resolve(params.pop("EngineVersion")), current["EngineVersion"]
    name = current["DBClusterIdentifier"]
    extras = kind.extras(call, world, name)
    if wanted == version:
        _forget(extras)
        return
    if wanted not in targets_of(version):
        raise AwsError("InvalidParameterCombination", f"Cannot upgrade {ENGINE} from {version} to {wanted}")
    if major_of(wanted) != major_of(version) and not params.get("AllowMajorVersionUpgrade"):
        message = "The AllowMajorVersionUpgrade flag must be present when upgrading to a new major version."
        raise AwsError("InvalidParameterCombination", message)
    extras[PENDING] = {"EngineVersion": wanted}
    window = params.get("PreferredMaintenanceWindow") or current["PreferredMaintenanceWindow"]
    now = world.lifecycles.clock()
    extras[_DUE] = now if params.get("ApplyImmediately") else next_opening(window.lower(), now)


def carry_out(call: Call, world: World, kind: Kind) -> None:
    """Bring clusters whose time has come to the version that waits for it, and their instances with them."""
    for name, cluster in world.backend(call, "rds").clusters.items():
        extras = kind.extras(call, world, name)
        if _DUE in extras and extras[_DUE] <= world.lifecycles.clock():
            cluster.engine_version = extras[PENDING]["EngineVersion"]
            _forget(extras)
            kind.begin(call, world, name, UPGRADING, durations.RDS_CLUSTER_UPGRADE)


def _forget(extras: dict[str, Any]) -> None:
    extras.pop(PENDING, None)
    extras.pop(_DUE, None)
