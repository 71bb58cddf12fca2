"""Looking at the layers of a live environment with many probes side by side, each of which may fail by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Generic, TypeVar

from ils_pipelines.errors import IlsError
from ils_pipelines.operations.live import ApiUnavailable, Live
from ils_pipelines.operations.view import View
from ils_pipelines.settings.layers import Layer

if TYPE_CHECKING:
    from ils_pipelines.engine.models import Outputs
    from ils_pipelines.settings.environment import Environment
    from ils_pipelines.targets.protocol import Target

Found = TypeVar("Found")
MOST_THREADS = 24
"""Every probe waits for AWS or Kubernetes most of its time."""


class LayerCondition(StrEnum):
    """Whether there is anything in a layer to look at."""

    LOOKED_AT = "looked_at"
    NOT_PROVISIONED = "not_provisioned"
    NOT_APPLICABLE = "not_applicable"
    """The environment has nothing of the kind."""

    @property
    def words(self) -> str:
        return self.replace("_", " ")


@dataclass(frozen=True)
class Probe(Generic[Found]):
    """Looks at everything of one kind."""

    layer: str
    """The layer it speaks for. One that this version does not have yet counts for the layer it reads."""
    reads: Layer
    """The layer whose outputs name what is looked at."""
    components: str
    """What it looks at, for when nothing answers."""
    look: Callable[[View], Iterator[Found]]

    @property
    def speaks_for(self) -> Layer:
        return Layer(self.layer) if self.layer in set(Layer) else self.reads


@dataclass(frozen=True)
class LayerLook(Generic[Found]):
    """What was found in one layer."""

    layer: Layer
    condition: LayerCondition
    found: tuple[Found, ...] = ()
    reason: str = ""
    """Why there was nothing to look at."""


Known = Mapping[Layer, "Outputs | IlsError | None"]
"""What each layer handed out; None when it was never provisioned, an error when that cannot be said."""


def look_at(
    target: Target,
    probes: Sequence[Probe[Found]],
    layers: Iterable[Layer],
    unknown: Callable[[Probe[Found], str], Found],
) -> tuple[LayerLook[Found], ...]:
    """What the probes that speak for `layers` find, in the order of the layers. Reads only.

    Raises nothing for what cannot be learned: `unknown` makes of the reason what stands for it.
    """
    asked = set(layers)
    chosen = [layer for layer in Layer if layer in asked and any(probe.speaks_for is layer for probe in probes)]
    used = [probe for probe in probes if probe.speaks_for in asked]
    live = Live(target)
    with ThreadPoolExecutor(min(MOST_THREADS, len(used) or 1), thread_name_prefix="probe") as pool:
        needed = sorted({layer for probe in used for layer in (probe.reads, probe.speaks_for)}, key=list(Layer).index)
        known: Known = dict(zip(needed, pool.map(lambda layer: _outputs(target, layer), needed), strict=True))
        found = dict(zip(used, pool.map(lambda probe: _look(probe, live, target, known, unknown), used), strict=True))
    return tuple(_layer(layer, target.environment, known, found) for layer in chosen)


def _outputs(target: Target, layer: Layer) -> Outputs | IlsError | None:
    if layer is Layer.APP_RELEASE:
        return None  # a release keeps no record beside the cluster: its probe says whether it is there
    from ils_pipelines.provisioning.layers import layer_work

    try:
        return layer_work(target, layer).outputs()
    except IlsError as error:
        return error


def _look(
    probe: Probe[Found], live: Live, target: Target, known: Known, unknown: Callable[[Probe[Found], str], Found]
) -> tuple[Found, ...]:
    outputs = known[probe.reads]
    if outputs is None:
        return ()
    if isinstance(outputs, IlsError):
        return (unknown(probe, str(outputs)),)
    found: list[Found] = []
    try:
        # One by one, so that what was found before a call failed is kept.
        for each in probe.look(View(live, outputs, target)):
            found.append(each)  # noqa: PERF402
    except ApiUnavailable as unavailable:
        found.append(unknown(probe, str(unavailable)))
    except Exception as error:  # noqa: BLE001 an answer we do not understand is no proof, and the other probes go on
        found.append(unknown(probe, f"the answer could not be understood ({type(error).__name__}: {error})"))
    return tuple(found)


def _layer(
    layer: Layer, environment: Environment, known: Known, found: Mapping[Probe[Found], tuple[Found, ...]]
) -> LayerLook[Found]:
    own = [probe for probe in found if probe.speaks_for is layer]
    if everything := tuple(each for probe in own for each in found[probe]):
        return LayerLook(layer, LayerCondition.LOOKED_AT, everything)
    name = environment.name
    if known[layer] is None and layer not in environment.layers:
        return LayerLook(layer, LayerCondition.NOT_APPLICABLE, reason=f"{name} has no {layer} layer")
    if known[layer] is None:
        reason = f"there is nothing of the {layer} layer in {name}: provision it with: ils up {name}"
        return LayerLook(layer, LayerCondition.NOT_PROVISIONED, reason=reason)
    kinds = ", ".join(probe.components for probe in own)
    return LayerLook(layer, LayerCondition.NOT_APPLICABLE, reason=f"{name} has no {kinds}")
