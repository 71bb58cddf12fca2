"""Taking over what a killed run made may wait long for it, and the real Pulumi holds no lock meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from ils_pipelines.engine.errors import EngineError, OperationCancelled
from tests.contract.engine.conftest import Lab, pulumi
from tests.contract.engine.lab import World
from tests.contract.engine.lab_server import LabFinder
from tests.contract.engine.programs import PROGRAMS
from tests.contract.engine.test_engine_interruptions import killed, until

pytestmark = pytest.mark.parametrize(
    "lab", [pytest.param("pulumi", marks=[pytest.mark.real_engine, pytest.mark.slow])], indirect=True
)


class Patient(LabFinder):
    """Waits for what was made until it is told that it is usable."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.waiting, self.usable = threading.Event(), threading.Event()

    def resume(
        self, urn: str, id_: str, inputs: Mapping[str, Any], provider: Mapping[str, Any], cancel: threading.Event
    ) -> None:
        self.waiting.set()
        until(lambda: self.usable.is_set() or cancel.is_set(), "the end of the wait")


def test_what_another_up_did_during_the_wait_is_not_forgotten(lab: Lab) -> None:
    stack = lab.stack(PROGRAMS["estate"])
    lab.world.order("create", "house", "kill", moment="after")
    assert killed(lab, "up", "estate")
    finder = Patient(lab.world)

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(pulumi(lab.directory, lab.world, finder=finder).up, stack)
        until(lambda: finder.waiting.is_set() or first.done(), "the first up waiting")
        lab.restarted().up(stack)
        finder.usable.set()
        with pytest.raises(EngineError, match="somebody else worked on lab-project/dev meanwhile"):
            first.result()

    assert lab.world.names() == ["garden", "gate", "ground", "house"]
    assert lab.engine.up(stack).plan.empty


def test_the_wait_ends_when_somebody_cancels_and_the_next_up_finishes(lab: Lab) -> None:
    stack = lab.stack(PROGRAMS["estate"])
    lab.world.order("create", "house", "kill", moment="between")
    assert killed(lab, "up", "estate")
    finder, cancel = Patient(lab.world), threading.Event()

    with ThreadPoolExecutor(1) as pool:
        up = pool.submit(pulumi(lab.directory, lab.world, finder=finder).up, stack, cancel=cancel)
        until(lambda: finder.waiting.is_set() or up.done(), "the up waiting")
        cancel.set()
        with pytest.raises(OperationCancelled):
            up.result()

    lab.restarted().up(stack)
    assert lab.world.incomplete() == []
    assert lab.world.names() == ["garden", "gate", "ground", "house"]
