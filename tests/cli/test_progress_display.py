"""What a person sees of a run while it goes on."""

import io
from datetime import timedelta

import pytest
from rich.console import Console

from ils_pipelines.commands.progress import ProgressDisplay
from ils_pipelines.engine.models import Change, EngineEvent, EventKind, Operation, Plan
from ils_pipelines.provisioning.progress import (
    Action,
    LayerEvent,
    LayerFailed,
    LayerFinished,
    LayerReport,
    LayerStarted,
    Progress,
    RunInterrupted,
)
from ils_pipelines.settings.layers import Layer

VPC = Change(urn="urn:vpc", type="aws:ec2/vpc:Vpc", name="main", operation=Operation.CREATE)
PLAN = Plan(project="ils-vpc", stack="dev", changes=(VPC,), unchanged=0)


def engine(kind: EventKind, *, name: str = "main", message: str = "", whole_stack: bool = False) -> LayerEvent:
    change = None if whole_stack else VPC.model_copy(update={"name": name, "urn": f"urn:{name}"})
    took = timedelta(seconds=1.25) if kind is EventKind.FINISHED else None
    event = EngineEvent(kind=kind, project="ils-vpc", stack="dev", change=change, message=message, duration=took)
    return LayerEvent(Layer.VPC, event)


STARTED = LayerStarted(Layer.VPC, Action.UP)
FINISHED = LayerFinished(Layer.VPC, LayerReport("dev", Layer.VPC, Action.UP, PLAN, {}, timedelta(seconds=4.2)))
FAILED = LayerFailed(Layer.VPC, RuntimeError("no addresses"), timedelta(seconds=2))


def lines(*told: Progress) -> list[str]:
    """What is written where there is no terminal, without the time at the front of each line."""
    out = io.StringIO()
    with ProgressDisplay(Console(file=out, width=100), "dev") as display:
        for progress in told:
            display(progress)
    return [line.split(" s  ", 1)[-1] for line in out.getvalue().splitlines()]


def test_elsewhere_than_on_a_terminal_each_thing_is_a_line() -> None:
    assert lines(STARTED, engine(EventKind.STARTED), engine(EventKind.FINISHED), FINISHED) == [
        "vpc          started",
        "vpc          create aws:ec2:Vpc main 1.2 s",
        "vpc          finished in 4.2 s, 1 changed",
    ]


def test_a_failure_is_a_line_without_the_reason_which_stands_at_the_end() -> None:
    assert lines(STARTED, engine(EventKind.FAILED), FAILED) == [
        "vpc          started",
        "vpc          create aws:ec2:Vpc main failed",
        "vpc          failed after 2.0 s",
    ]


def test_names_are_not_taken_for_markup() -> None:
    assert lines(engine(EventKind.FINISHED, name="[red]x[/red]")) == [
        "vpc          create aws:ec2:Vpc [red]x[/red] 1.2 s"
    ]


def test_an_interrupt_is_acknowledged() -> None:
    assert lines(RunInterrupted()) == ["interrupted: finishing and recording what is under way, starting nothing else"]


@pytest.fixture
def terminal() -> Console:
    return Console(file=io.StringIO(), width=100, height=20, force_terminal=True, color_system=None)


def shown(console: Console, *told: Progress) -> str:
    """The table as it stands after `told`."""
    with ProgressDisplay(console, "dev") as display:
        for progress in told:
            display(progress)
        with console.capture() as capture:
            console.print(display.table())
    return capture.get()


def test_on_a_terminal_the_table_names_what_is_under_way(terminal: Console) -> None:
    text = shown(terminal, STARTED, *(engine(EventKind.STARTED, name=f"subnet-{n}") for n in range(5)))

    assert "create subnet-0, create subnet-1, create subnet-2 and 2 more" in text


def test_the_table_shows_the_last_word_on_the_layer_when_no_resource_is_under_way(terminal: Console) -> None:
    note = engine(EventKind.NOTE, message="1 of 3 new pods are available", whole_stack=True)

    assert "1 of 3 new pods are available" in shown(terminal, STARTED, note)


def test_the_table_shows_how_a_layer_ended(terminal: Console) -> None:
    assert "1 changed" in shown(terminal, STARTED, FINISHED)
    assert "failed" in shown(terminal, STARTED, FAILED)
