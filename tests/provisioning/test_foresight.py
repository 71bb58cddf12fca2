"""What a plan of all layers does not foresee is said, and nothing where it foresees all."""

from __future__ import annotations

import pytest

from ils_pipelines.provisioning.foresight import not_foreseen
from ils_pipelines.settings.layers import Layer


@pytest.mark.parametrize("counts", [{"update": 1, "same": 3}, {"replace": 1}, {"create": 1, "same": 1}, {"delete": 1}])
def test_a_layer_that_exists_and_changes_may_reach_those_built_upon_it(counts: dict[str, int]) -> None:
    (sentence,) = not_foreseen({Layer.TABLES: counts, Layer.VPC: {"same": 59}})

    assert sentence.startswith("backup_vault, monitoring: planned with what tables puts out now")


@pytest.mark.parametrize(
    "counts",
    [
        {Layer.VPC: {"create": 59}},  # it does not exist: what it will put out is unknown in the plans of the others
        {Layer.VPC: {"same": 59}},
        {Layer.MONITORING: {"update": 1, "same": 19}},  # nothing is built upon it
    ],
)
def test_nothing_is_said_where_all_is_foreseen(counts: dict[Layer, dict[str, int]]) -> None:
    assert not_foreseen(counts) == ()
