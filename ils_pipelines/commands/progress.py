"""What a run is doing, on standard error: a table that moves on a terminal, a line per finished resource elsewhere."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Self

from ils_pipelines.commands.summary import short_type
from ils_pipelines.engine.models import EventKind
from ils_pipelines.provisioning.progress import (
    LayerEvent,
    LayerFailed,
    LayerFinished,
    LayerStarted,
    LeftoversFound,
    PieceTold,
    Progress,
    RunInterrupted,
)
from ils_pipelines.settings.layers import Layer

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

REFRESH_PER_SECOND = 5
MAX_NAMES = 3
"""Resources under way that are named for a layer; of the others the number is told."""


@dataclass
class _LayerState:
    """One row of the table."""

    started: float
    under_way: dict[str, str] = field(default_factory=dict)
    """Names of the resources being worked on, by URN."""
    note: str = ""
    """What was last said of the layer as a whole."""
    finished: int = 0
    result: str = ""
    seconds: float | None = None

    @property
    def doing(self) -> str:
        if self.seconds is not None:
            return self.result
        names = list(self.under_way.values())
        more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
        return ", ".join(names[:MAX_NAMES]) + more if names else self.note


class ProgressDisplay:
    """Shows what a run publishes. A context manager; called from the threads of the run, one call at a time."""

    def __init__(self, console: Console, environment: str) -> None:
        self._console = console
        self._environment = environment
        self._started = time.monotonic()
        self._layers: dict[Layer, _LayerState] = {}
        self._live = None
        if console.is_terminal:
            from rich.live import Live

            self._live = Live(
                console=console,
                get_renderable=self.table,
                refresh_per_second=REFRESH_PER_SECOND,
                transient=True,
                # The run's own output, should there be any, goes where it went.
                redirect_stdout=False,
                redirect_stderr=True,
            )

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()

    def __call__(self, progress: Progress) -> None:
        if isinstance(progress, RunInterrupted):
            self._console.print("interrupted: finishing and recording what is under way, starting nothing else")
            return
        if isinstance(progress, LeftoversFound | PieceTold):
            return  # the first is shown at the end, the other by the command that asked for it
        state = self._layers.setdefault(progress.layer, _LayerState(time.monotonic()))
        match progress:
            case LayerStarted():
                self._line(progress.layer, "started")
            case LayerEvent():
                self._event(state, progress)
            case LayerFinished(report=report):
                state.seconds = report.duration.total_seconds()
                changed = len(report.plan.changes)
                state.result = f"{changed} changed" if changed else "no change"
                self._line(progress.layer, f"finished in {state.seconds:.1f} s, {state.result}")
            case LayerFailed():
                state.seconds = progress.duration.total_seconds()
                state.result = "failed"
                self._line(progress.layer, f"failed after {state.seconds:.1f} s")

    def _event(self, state: _LayerState, progress: LayerEvent) -> None:
        event = progress.event
        if event.change is None:
            state.note = event.message
            self._line(progress.layer, event.message)
            return
        if event.kind is EventKind.STARTED:
            state.under_way[event.change.urn] = f"{event.change.operation} {event.change.name}"
            return
        if event.kind in {EventKind.FINISHED, EventKind.FAILED}:
            state.under_way.pop(event.change.urn, None)
            state.finished += 1
            took = f" {event.duration.total_seconds():.1f} s" if event.duration is not None else ""
            failed = " failed" if event.kind is EventKind.FAILED else ""
            self._line(
                progress.layer,
                f"{event.change.operation} {short_type(event.change.type)} {event.change.name}{failed}{took}",
            )

    def _line(self, layer: Layer, text: str) -> None:
        if self._live is None and text:
            elapsed = time.monotonic() - self._started
            self._console.print(f"{elapsed:7.1f} s  {layer:<12} {text}", markup=False, soft_wrap=True)

    def table(self) -> RenderableType:
        """The layers as they are at this moment."""
        from rich.table import Table
        from rich.text import Text

        table = Table.grid(padding=(0, 2))
        table.add_column(min_width=12)
        table.add_column(justify="right", min_width=8)
        table.add_column(justify="right")
        table.add_column(no_wrap=True, overflow="ellipsis")
        now = time.monotonic()
        table.add_row(f"[bold]{self._environment}[/]", f"{now - self._started:.0f} s", "", "")
        for layer, state in list(self._layers.items()):
            seconds = state.seconds if state.seconds is not None else now - state.started
            style = "red" if state.result == "failed" else "dim" if state.seconds is not None else "cyan"
            done = f"{state.finished}" if state.finished else ""
            table.add_row(str(layer), f"{seconds:.1f} s", done, Text(state.doing), style=style)
        return table
