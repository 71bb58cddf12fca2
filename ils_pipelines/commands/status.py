"""`ils status`: what exists, read from the engine. Starts no run and does not need Dagster."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ils_pipelines.commands.ephemeral import time_left
from ils_pipelines.commands.output import WIDTH, ExitCode, console, exit_code_of, print_error, print_json
from ils_pipelines.engine.models import LockHolder, Outputs
from ils_pipelines.errors import IlsError
from ils_pipelines.provisioning.layers import layer_work
from ils_pipelines.settings.ephemeral import Ephemeral
from ils_pipelines.settings.layers import Layer
from ils_pipelines.settings.loading import environment_names, load_environment
from ils_pipelines.targets import open_target

if TYPE_CHECKING:
    from rich.console import Console

    from ils_pipelines.targets.protocol import Target

NAME_COLUMNS = 32
VALUE_COLUMNS = WIDTH - NAME_COLUMNS - 3
"""What is longer stands on a line of its own."""
COPIED = ("arn:", "http")
"""Beginnings of values that somebody copies: they are never cut."""


@dataclass(frozen=True)
class LayerStatus:
    """One layer as it was left by the last run."""

    layer: Layer
    outputs: Outputs | None = None
    resources: int = 0
    holder: LockHolder | None = None
    error: IlsError | None = None
    """Why nothing more can be said of it."""

    @property
    def state(self) -> str:
        if self.error is not None:
            return "unreadable"
        if self.holder is not None:
            return f"{self.holder.operation} under way (process {self.holder.pid} on {self.holder.host})"
        return "absent" if self.outputs is None else "up"


@dataclass(frozen=True)
class EnvironmentStatus:
    """All layers of an environment, or why nothing can be said of them."""

    name: str
    target: str = ""
    ephemeral: Ephemeral | None = None
    layers: tuple[LayerStatus, ...] = ()
    error: IlsError | None = None

    @property
    def errors(self) -> list[tuple[str, IlsError]]:
        """Every error with what it is about."""
        found = [(f"{self.name} {layer.layer}", layer.error) for layer in self.layers if layer.error is not None]
        return [(self.name, self.error), *found] if self.error is not None else found


def status(environment: str | None, *, as_json: bool) -> ExitCode:
    """Show one environment with its outputs, or all of them in short."""
    names = (environment,) if environment else environment_names()
    found = [_look(name) for name in names]
    errors = [error for each in found for error in each.errors]
    for about, error in errors:
        print_error(f"{about}: {error}")
    if as_json:
        print_json({"environments": [_entry(each) for each in found], "success": not errors})
    else:
        out = console()
        for each in found:
            if each.error is None:
                _print(out, each, with_outputs=environment is not None)
    return exit_code_of(errors[0][1]) if errors else ExitCode.SUCCESS


def _look(name: str) -> EnvironmentStatus:
    try:
        environment = load_environment(name)
        target = open_target(environment)
        target.preflight()
        with ThreadPoolExecutor(len(Layer)) as pool:
            layers = tuple(pool.map(lambda layer: _layer_status(target, layer), Layer))
    except IlsError as error:
        return EnvironmentStatus(name, error=error)
    return EnvironmentStatus(name, target.name, environment.ephemeral, layers)


def _layer_status(target: Target, layer: Layer) -> LayerStatus:
    try:
        work = layer_work(target, layer)
        outputs = work.outputs()
        return LayerStatus(layer, outputs, work.resource_count() if outputs is not None else 0, work.lock_holder())
    except IlsError as error:
        return LayerStatus(layer, error=error)


def _print(out: Console, status: EnvironmentStatus, *, with_outputs: bool) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    lifetime = f", {time_left(status.ephemeral)}" if status.ephemeral else ""
    title = f"{status.name} ({status.target}{lifetime})"
    if all(layer.state == "absent" for layer in status.layers):
        out.print(Text.assemble((title, "bold"), (f": nothing is provisioned; ils plan {status.name}", "dim")))
        return
    out.print(Text(title, style="bold"))  # not the table's own, which would be as narrow as the table
    table = Table(box=SIMPLE_HEAD)
    table.add_column("layer")
    table.add_column("state")
    table.add_column("resources", justify="right")
    for layer in status.layers:
        style = "green" if layer.state == "up" else "dim" if layer.state == "absent" else "yellow"
        table.add_row(str(layer.layer), Text(layer.state, style=style), str(layer.resources or "·"))
    out.print(table)
    if with_outputs:
        for layer in status.layers:
            _print_outputs(out, layer)


def _print_outputs(out: Console, layer: LayerStatus) -> None:
    """Lines that nothing wraps, so that an ARN can be copied as it is."""
    from rich.text import Text

    if not layer.outputs:
        return
    out.print(Text(str(layer.layer), style="bold"))
    for name, output in sorted(layer.outputs.items()):
        shown = output.shown
        text = ", ".join(str(item) for item in shown) if isinstance(shown, list) else str(shown)
        if len(text) <= VALUE_COLUMNS:
            out.print(Text(f"  {name:<{NAME_COLUMNS}} {text}"), soft_wrap=True)
            continue
        longest = WIDTH - 4
        cut = text if len(text) <= longest or text.startswith(COPIED) else text[: longest - 1] + "…"
        out.print(Text(f"  {name}\n    {cut}"), soft_wrap=True)


def _entry(status: EnvironmentStatus) -> dict[str, Any]:
    if status.error is not None:
        return {"environment": status.name, "error": str(status.error)}
    return {
        "environment": status.name,
        "target": status.target,
        "ephemeral": status.ephemeral.model_dump(mode="json") if status.ephemeral else None,
        "layers": [
            {
                "layer": str(layer.layer),
                "exists": layer.outputs is not None,
                "resources": layer.resources,
                "outputs": {name: output.shown for name, output in sorted((layer.outputs or {}).items())},
                "error": str(layer.error) if layer.error else None,
                "lock": layer.holder.model_dump(mode="json") if layer.holder else None,
            }
            for layer in status.layers
        ],
    }
