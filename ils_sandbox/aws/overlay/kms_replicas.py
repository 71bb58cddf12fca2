"""KMS: replicas of multi-Region keys, which moto makes as a shallow copy of the primary key, state and settings included."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ils_sandbox.aws.calls import Call
from ils_sandbox.aws.overlay.world import Result, World
from ils_sandbox.aws.responses import AwsError


def related(call: Call, key_id: str) -> Iterator[tuple[str, Any]]:
    """The primary key and its replicas, by region."""
    from moto.backends import get_backend

    for region, backend in get_backend("kms")[call.account].items():
        if key_id in backend.keys:
            yield region, backend.keys[key_id]


def primary_of(call: Call, key: Any) -> Any:
    """The primary key of a multi-Region key; the key itself when the primary is gone."""
    region = key.multi_region_configuration["PrimaryKey"]["Region"]
    return dict(related(call, key.id)).get(region, key)


def configuration(call: Call, key: Any) -> Result:
    """What DescribeKey tells of a multi-Region key's family."""
    primary = key.multi_region_configuration["PrimaryKey"]
    replicas = [
        {"Arn": other.arn, "Region": region} for region, other in related(call, key.id) if region != primary["Region"]
    ]
    kind = "PRIMARY" if key.arn == primary["Arn"] else "REPLICA"
    return {"MultiRegionKeyType": kind, "PrimaryKey": primary, "ReplicaKeys": replicas}


def replicate_key(call: Call, world: World) -> Result:
    from moto.backends import get_backend

    params, backend = call.params, world.backend(call, "kms")
    primary = backend.keys.get(backend.get_key_id(params["KeyId"]))
    region = params["ReplicaRegion"]
    if primary is None:
        raise AwsError("NotFoundException", f"Key '{params['KeyId']}' does not exist")
    if not primary.multi_region:
        raise AwsError("UnsupportedOperationException", f"{primary.arn} is not a multi-Region key")
    if primary.arn != primary.multi_region_configuration["PrimaryKey"]["Arn"]:
        raise AwsError("UnsupportedOperationException", f"{primary.arn} is not a primary key")
    if primary.key_state != "Enabled":
        raise AwsError("KMSInvalidStateException", f"{primary.arn} is {primary.key_state}")
    target = get_backend("kms")[call.account][region]
    if primary.id in target.keys:
        raise AwsError("AlreadyExistsException", f"{primary.arn} already has a key in {region}")
    replica = copy.copy(primary)
    replica.region = region
    replica.arn = f"arn:aws:kms:{region}:{call.account}:key/{primary.id}"
    replica.description = params.get("Description", "")
    replica.policy = params.get("Policy") or replica.generate_default_policy()
    replica.creation_date = time.time()
    replica.multi_region_configuration = dict(primary.multi_region_configuration)
    replica.grants, replica.rotations, replica.aliases = {}, [], {}
    target.keys[primary.id] = replica
    if params.get("Tags"):
        target.tagger.tag_resource(primary.id, params["Tags"])
    metadata = world.invoke(replace(call, region=region), "kms", "DescribeKey", KeyId=primary.id)["KeyMetadata"]
    return {
        "ReplicaKeyMetadata": {**metadata, "MultiRegionConfiguration": configuration(call, replica)},
        "ReplicaPolicy": replica.policy,
        "ReplicaTags": params.get("Tags") or [],
    }
