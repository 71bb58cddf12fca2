"""What a plan of all layers does not foresee.

Layers are planned side by side, each with what the layers below it put out now; of layers that do not exist yet, that is
unknown. A layer that exists and changes may put out something else afterwards: what that leads to is known once it is
applied. Where a plan was approved, what differs then is refused, and needs an approval of its own.
"""

from __future__ import annotations

from collections.abc import Mapping

from ils_pipelines.engine.models import Operation
from ils_pipelines.settings.layers import Layer, built_upon


def changes_what_exists(counts: Mapping[str, int]) -> bool:
    """Whether a plan with these counts changes a layer that exists, see `ils_pipelines.engine.models.Plan.counts`."""
    there = any(count for operation, count in counts.items() if operation != Operation.CREATE)
    return there and any(count for operation, count in counts.items() if operation != Operation.SAME)


def not_foreseen(counts: Mapping[Layer, Mapping[str, int]]) -> tuple[str, ...]:
    """A sentence for each layer whose changes may reach others."""
    return tuple(
        f"{', '.join(upper)}: planned with what {layer} puts out now; what its changes lead to there shows when they are "
        "made."
        for layer in Layer
        if changes_what_exists(counts.get(layer, {})) and (upper := built_upon(layer))
    )
