"""`ils status`: what exists, read from the engine. Starts no run and does not need Dagster."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ils_pipelines.commands.output import ExitCode, console, exit_code_of, print_error, print_json
from ils_pipelines.engine.models import LockHolder, Outputs
from ils_pipelines.errors import IlsError
from ils_pipelines.provisioning.layers import LayerWork, layer_work
from ils_pipelines.settings.layers import Layer
from ils_pipelines.settings.loading import environment_names, load_environment
from ils_pipelines.targets import open_target

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(frozen=True)
class LayerStatus:
    """One layer as it was left by the last run."""

    layer: Layer
    outputs: Outputs | None
    resources: int
    holder: LockHolder | None

    @property
    def state(self) -> str:
        if self.holder is not None:
            return f"{self.holder.operation} under way (process {self.holder.pid} on {self.holder.host})"
        return "absent" if self.outputs is None else "up"


@dataclass(frozen=True)
class EnvironmentStatus:
    """All layers of an environment, or why nothing can be said of them."""

    name: str
    target: str
    layers: tuple[LayerStatus, ...]
    error: IlsError | None = None


def status(environment: str | None, *, as_json: bool) -> ExitCode:
    """Show one environment with its outputs, or all of them in short."""
    names = (environment,) if environment else environment_names()
    found = [_look(name) for name in names]
    for each in found:
        if each.error is not None:
            print_error(f"{each.name}: {each.error}")
    if as_json:
        print_json({"environments": [_entry(each) for each in found], "success": all(e.error is None for e in found)})
    else:
        out = console()
        for each in found:
            if each.error is None:
                _print(out, each, with_outputs=environment is not None)
    return next((exit_code_of(each.error) for each in found if each.error is not None), ExitCode.SUCCESS)


def _look(name: str) -> EnvironmentStatus:
    try:
        target = open_target(load_environment(name))
        target.preflight()
        with ThreadPoolExecutor(len(Layer)) as pool:
            layers = tuple(pool.map(lambda layer: _layer_status(layer, layer_work(target, layer)), Layer))
    except IlsError as error:
        return EnvironmentStatus(name, "", (), error)
    return EnvironmentStatus(name, target.name, layers)


def _layer_status(layer: Layer, work: LayerWork) -> LayerStatus:
    outputs = work.outputs()
    return LayerStatus(layer, outputs, work.resource_count() if outputs is not None else 0, work.lock_holder())


def _print(out: Console, status: EnvironmentStatus, *, with_outputs: bool) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    title = f"{status.name} ({status.target})"
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD)
    table.add_column("layer")
    table.add_column("state")
    table.add_column("resources", justify="right")
    if with_outputs:
        table.add_column("outputs", overflow="fold")
    for layer in status.layers:
        style = "green" if layer.state == "up" else "dim" if layer.outputs is None else "yellow"
        cells: list[str | Text] = [str(layer.layer), Text(layer.state, style=style), str(layer.resources or "·")]
        if with_outputs:
            cells.append(Text("\n".join(_shown(layer.outputs or {}))))
        table.add_row(*cells)
    out.print(table)


def _shown(outputs: Outputs) -> Iterator[str]:
    for name, output in sorted(outputs.items()):
        text = str(output.shown)
        yield f"{name}: {text if len(text) <= 120 else text[:119] + '…'}"


def _entry(status: EnvironmentStatus) -> dict[str, Any]:
    if status.error is not None:
        return {"environment": status.name, "error": str(status.error)}
    return {
        "environment": status.name,
        "target": status.target,
        "layers": [
            {
                "layer": str(layer.layer),
                "exists": layer.outputs is not None,
                "resources": layer.resources,
                "outputs": {name: output.shown for name, output in sorted((layer.outputs or {}).items())},
                "lock": layer.holder.model_dump(mode="json") if layer.holder else None,
            }
            for layer in status.layers
        ],
    }
