"""What was approved is applied by the real Pulumi, outputs and all, for a layer whose outputs AWS makes."""

from __future__ import annotations

import pytest

from ils_pipelines.settings.layers import Layer
from tests.real_engine.conftest import Site, shipped

pytestmark = [pytest.mark.real_engine, pytest.mark.slow]


@pytest.mark.timeout(600)
def test_an_approved_cluster_is_made_with_its_outputs(real: Site) -> None:
    environment = shipped("dev")
    for layer in (Layer.ENCRYPTION, Layer.VPC):
        real.up(environment, layer)
    stack = real.stack(environment, Layer.CLUSTER)

    real.engine.up(stack, approved=real.engine.preview(stack))

    outputs = real.outputs(environment, Layer.CLUSTER)
    assert outputs is not None
    assert outputs["eks_security_group_id"].value.startswith("sg-")
