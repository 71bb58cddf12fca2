"""The checkpoints of the stacks: what a rebuilt environment is taken over with. Secrets in them stay encrypted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial

from ils_pipelines.engine.models import Stack
from ils_pipelines.operations.backup.context import PieceFailed, SetContext, Task, utc_now
from ils_pipelines.operations.backup.details import Piece, PieceKind, StackState
from ils_pipelines.operations.backup.pieces.in_bucket import keep
from ils_pipelines.provisioning.layers import layer_work
from ils_pipelines.settings.layers import Layer

PREFIX = "stack-state-"


def tasks(context: SetContext) -> Iterator[Task]:
    """One for each stack that there is."""
    for layer in Layer:
        if layer is not Layer.APP_RELEASE and layer_work(context.target, layer).outputs() is not None:
            yield Task(f"{PREFIX}{layer}".replace("_", "-"), PieceKind.STACK_STATE, partial(_take, layer))


def _take(layer: Layer, context: SetContext) -> Piece:
    started = utc_now()
    stack = Stack(f"ils-{layer}", context.set_id.environment, lambda: None)
    state = context.target.engine().export_state(stack)
    resources = (state.get("deployment") or {}).get("resources")
    if not resources:
        raise PieceFailed(f"expected the stack {stack} to have resources, found none")
    return keep(
        context,
        f"{PREFIX}{layer}".replace("_", "-"),
        ".json.gz",
        json.dumps(state, sort_keys=True).encode(),
        StackState(layer=layer.value, stack=str(stack), resources=len(resources)),
        started=started,
        at=started,
    )
