"""What a preview says of an object of which AWS fills in a part: that part is not known before, and stays in an update."""

from __future__ import annotations

import asyncio
from typing import Any

from pulumi.provider.experimental import provider as api

from ils_sandbox.provider.aws import AwsProvider
from ils_sandbox.provider.values import UNKNOWN, plain, property_value

CLUSTER = "aws:eks/cluster:Cluster"
URN = f"urn:pulumi:dev::ils-cluster::{CLUSTER}::cluster"
PROVIDER = AwsProvider("http://127.0.0.1:9", "us-east-1")  # a preview calls nothing


def wrapped(properties: dict[str, Any]) -> dict[str, Any]:
    return {name: property_value(value) for name, value in properties.items()}


def test_what_aws_fills_in_is_unknown_before_it_is_there() -> None:
    inputs = wrapped({"name": "c", "vpcConfig": {"subnetIds": ["subnet-1"]}})
    request = api.CreateRequest(URN, inputs, timeout=60, preview=True)

    foreseen = plain(asyncio.run(PROVIDER.create(request)).properties)["vpcConfig"]

    assert foreseen["subnetIds"] == ["subnet-1"]
    assert foreseen["clusterSecurityGroupId"] is UNKNOWN


def test_what_aws_filled_in_stays_in_the_preview_of_an_update() -> None:
    there = {"subnetIds": ["subnet-1"], "clusterSecurityGroupId": "sg-1"}
    olds, news = wrapped({"vpcConfig": there}), wrapped({"vpcConfig": {"subnetIds": ["subnet-2"]}})
    request = api.UpdateRequest(URN, "c", olds, news, timeout=60, ignore_changes=[], preview=True)

    foreseen = plain(asyncio.run(PROVIDER.update(request)).properties)["vpcConfig"]

    assert (foreseen["subnetIds"], foreseen["clusterSecurityGroupId"]) == (["subnet-2"], "sg-1")
