"""Outputs of lower layers keep their secrecy on the way up."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pulumi

from ils_pipelines.settings.layers import Layer
from ils_pipelines.stacks.outputs import EncryptionOutputs, VpcOutputs
from ils_pipelines.stacks.upstream import Upstream

VPC = {
    name: SimpleNamespace(value=["a", "b"] if name.endswith(("ids", "ips")) else name, secret=False)
    for name in VpcOutputs.__dataclass_fields__
}
KEYS = {name: SimpleNamespace(value=name, secret=True) for name in EncryptionOutputs.__dataclass_fields__}
UPSTREAM = Upstream({Layer.VPC: VPC, Layer.ENCRYPTION: KEYS})


def test_a_value_reaches_the_resources(up: Callable[..., Any]) -> None:
    run = up("dev", Layer.CACHE, UPSTREAM)
    assert run.one("SubnetGroup").inputs["subnetIds"] == ["a", "b"]


def test_a_secret_stays_secret(up: Callable[..., Any]) -> None:
    run = up("dev", Layer.CACHE, UPSTREAM)
    assert "kmsKeyId" in run.one("Secret").secret_inputs


def test_a_value_that_exists_is_known_in_a_preview(preview: Callable[..., Any]) -> None:
    run = preview("dev", Layer.CACHE, UPSTREAM)
    assert run.one("SubnetGroup").inputs["subnetIds"] == ["a", "b"]


def test_a_value_that_does_not_exist_is_unknown_in_a_preview(preview: Callable[..., Any]) -> None:
    run = preview("dev", Layer.CACHE, Upstream({}))
    assert isinstance(run.one("SubnetGroup").inputs["subnetIds"], pulumi.output.Unknown)
