"""Every program of every tier on the real Pulumi: it makes what the embedded engine makes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest

from ils_pipelines.engine.models import OutputValue
from ils_pipelines.settings.layers import Layer
from ils_pipelines.stacks.catalog import PROGRAMS
from tests.real_engine.conftest import Site, shipped

pytestmark = [pytest.mark.real_engine, pytest.mark.slow, pytest.mark.timeout(1800)]

_GENERATED = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"  # KMS keys
    r"|(?<=-)[0-9a-f]{17}|[0-9A-F]{32}|[0-9a-f]{16}|\d+(\.\d+){3}"  # EC2, EKS, load balancers, addresses
    r"|(?<=-)[A-Za-z]{6}(?=$|\W)|(?<=[-.])[0-9a-z]{12}(?=\.)|(?<=\.)[0-9a-f]{6}(?=\.)"  # secrets, endpoints
    r"|(?<=-)[0-9a-f]{8}(?=$|\W)"  # last snapshots, which are named after a key
)


def comparable(value: Any) -> Any:
    """`value` without what AWS generates."""
    return json.loads(_GENERATED.sub("*", json.dumps(value, sort_keys=True, default=str)))


def outputs(found: Mapping[str, OutputValue] | None) -> dict[str, Any]:
    assert found is not None
    return {
        name: (comparable(output.value) if not output.secret else "", output.secret) for name, output in found.items()
    }


def resources(site: Site, tier: str, layer: Layer) -> dict[str, Any]:
    """Inputs of all resources by URN; providers, which the engines name alike, included."""
    state = site.engine.export_state(site.stack(shipped(tier), layer))
    return {
        each["urn"]: (each["type"], bool(each.get("protect")), comparable(masked(each.get("inputs") or {})))
        for each in state["deployment"]["resources"]
    }


def masked(value: Any) -> Any:
    """Without ciphertexts."""
    if isinstance(value, dict):
        if "ciphertext" in value:
            return "secret"
        # `__defaults` and the like are the provider's own
        return {key: masked(item) for key, item in value.items() if not key.startswith("__")}
    return [masked(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("tier", ["dev", "staging", "production"])
def test_every_layer_comes_out_as_with_the_embedded_engine(real: Site, embedded: Site, tier: str) -> None:
    environment = shipped(tier)
    for layer in PROGRAMS:
        stack = real.stack(environment, layer)
        planned = real.engine.preview(stack)
        # As where plans are approved: Pulumi refuses what differs from the plan.
        applied = real.engine.up(stack, approved=planned)
        expected = embedded.up(environment, layer)

        assert planned.counts == applied.plan.counts, layer
        assert [c.urn for c in planned.changes] == sorted(c.urn for c in applied.plan.changes), layer
        assert sorted(c.urn for c in expected.plan.changes) == [c.urn for c in planned.changes], layer
        assert resources(real, tier, layer) == resources(embedded, tier, layer), layer
        assert outputs(real.outputs(environment, layer)) == outputs(embedded.outputs(environment, layer)), layer
    for layer in PROGRAMS:
        again = real.engine.preview(real.stack(environment, layer))
        assert again.changes == (), layer
        assert real.engine.refresh(real.stack(environment, layer)).drifted == (), layer
