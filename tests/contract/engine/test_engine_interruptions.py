"""What every engine makes of being interrupted at any point: the next run finishes the work, nothing is made twice."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from ils_pipelines.engine.errors import OperationCancelled, StackLocked
from ils_pipelines.engine.models import EngineEvent, Operation
from tests.contract.engine.conftest import Lab
from tests.contract.engine.lab import INTERRUPT
from tests.contract.engine.programs import PROGRAMS

ROOT = Path(__file__).parents[3]


def victim(lab: Lab, operation: str, program: str) -> subprocess.Popen[str]:
    module = ["-m", "tests.contract.engine.victim"]
    arguments = [lab.kind, str(lab.directory), str(lab.world.path), operation, program]
    return subprocess.Popen([sys.executable, *module, *arguments], cwd=ROOT, text=True, stderr=subprocess.PIPE)


def killed(lab: Lab, operation: str, program: str) -> bool:
    """Run to the end or to the kill that was ordered; whether it was killed. Then its lock is taken away, if it left one."""
    process = victim(lab, operation, program)
    _, errors = process.communicate(timeout=120)
    assert process.returncode in (0, -signal.SIGKILL), errors
    if process.returncode != 0:
        lab.engine.unlock(lab.stack(PROGRAMS[program]))
    return process.returncode != 0


def works_for(process: subprocess.Popen[str], pid: int) -> bool:
    """Whether `pid` is that process, or the one it started to do the work."""
    parent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]
    return process.pid in (pid, int(parent))


@contextmanager
def running(lab: Lab, program: str) -> Iterator[subprocess.Popen[str]]:
    process = victim(lab, "up", program)
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=30)


def until(condition: Callable[[], bool], what: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.02)


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("nothing", "estate", ["garden", "gate", "ground", "house"]),
        ("estate", "estate_edited", ["garden", "ground", "house", "pond"]),
        ("exclusive_a", "exclusive_b", ["bed", "house", "room"]),
        ("estate", "nothing", []),
    ],
)
@pytest.mark.parametrize("moment", ["before", "after"])
def test_killed_at_any_call_the_next_up_reaches_the_same_end(
    lab: Lab, before: str, after: str, expected: list[str], moment: str
) -> None:
    """Every mutating call in turn is the one at which the process dies, just before or just after it took effect."""
    point = 0
    while True:
        engine = lab.restarted()
        engine.destroy(lab.stack(PROGRAMS["nothing"]))
        engine.up(lab.stack(PROGRAMS[before]))
        lab.world.kill_at(point, moment)
        if not killed(lab, "up", after):
            break
        engine = lab.restarted()
        engine.up(lab.stack(PROGRAMS[after]))

        assert lab.world.names() == expected, f"after a kill {moment} call {point}"
        assert engine.preview(lab.stack(PROGRAMS[after])).empty
        assert engine.refresh(lab.stack(PROGRAMS[after])).drifted == ()
        point += 1
    assert point >= 3


def test_a_resource_made_by_a_killed_up_is_adopted_and_said_to_be(lab: Lab) -> None:
    lab.world.order("create", "house", "kill", moment="after")
    assert killed(lab, "up", "estate")

    result = lab.restarted().up(lab.stack(PROGRAMS["estate"]))

    adopted = [c.name for c in result.plan.changes if c.operation is Operation.ADOPT]
    assert "house" in adopted
    assert lab.world.names() == ["garden", "gate", "ground", "house"]


def test_a_create_that_was_killed_between_its_steps_is_finished(lab: Lab) -> None:
    lab.world.order("create", "house", "kill", moment="between")
    assert killed(lab, "up", "estate")
    assert "house" in lab.world.incomplete()

    lab.restarted().up(lab.stack(PROGRAMS["estate"]))

    assert lab.world.incomplete() == []
    assert lab.world.names() == ["garden", "gate", "ground", "house"]


def test_an_adopted_resource_is_brought_in_line_with_an_edited_program(lab: Lab) -> None:
    lab.world.order("create", "ground", "kill", moment="after")
    assert killed(lab, "up", "estate")

    lab.restarted().up(lab.stack(PROGRAMS["estate_edited"]))

    assert lab.world.names() == ["garden", "ground", "house", "pond"]
    assert {"value": "g2"} in lab.world.things().values()


def test_a_resource_made_by_a_killed_up_and_no_longer_declared_is_deleted(lab: Lab) -> None:
    lab.world.order("create", "gate", "kill", moment="after")
    assert killed(lab, "up", "estate")

    lab.restarted().up(lab.stack(PROGRAMS["estate_edited"]))

    assert lab.world.names() == ["garden", "ground", "house", "pond"]


def test_destroy_after_a_killed_up_leaves_nothing(lab: Lab) -> None:
    lab.world.order("create", "gate", "kill", moment="after")
    assert killed(lab, "up", "estate")

    lab.restarted().destroy(lab.stack(PROGRAMS["estate"]))

    assert lab.world.names() == []


@pytest.mark.slow
def test_a_killed_destroy_is_finished_by_the_next(lab: Lab) -> None:
    for moment in ("before", "after"):
        lab.engine.up(lab.stack(PROGRAMS["estate"]))
        lab.world.kill_at(1, moment)
        assert killed(lab, "destroy", "estate")

        lab.restarted().destroy(lab.stack(PROGRAMS["estate"]))

        assert lab.world.names() == []
        assert lab.engine.outputs(lab.stack(PROGRAMS["estate"])) is None


def test_what_an_interrupted_delete_took_away_is_made_anew_when_it_is_declared_again(lab: Lab) -> None:
    lab.engine.up(lab.stack(PROGRAMS["estate"]))
    lab.world.order("delete", "gate", "kill", moment="after")
    assert killed(lab, "up", "nothing")

    lab.restarted().up(lab.stack(PROGRAMS["estate"]))

    assert lab.world.names() == ["garden", "gate", "ground", "house"]
    assert not lab.engine.up(lab.stack(PROGRAMS["estate"]), on_event=none_interrupted).plan.changes


def test_what_an_interrupted_update_changed_is_put_back_when_the_program_is(lab: Lab) -> None:
    lab.engine.up(lab.stack(PROGRAMS["estate"]))
    lab.world.order("update", "ground", "kill", moment="after")
    assert killed(lab, "up", "estate_edited")
    assert {"value": "g2"} in lab.world.things().values()

    lab.restarted().up(lab.stack(PROGRAMS["estate"]))

    assert {"value": "g"} in lab.world.things().values()
    assert lab.engine.preview(lab.stack(PROGRAMS["estate"])).empty


def none_interrupted(event: EngineEvent) -> None:
    assert "interrupted" not in event.message


def test_a_second_up_of_a_stack_is_refused_and_told_who_holds_the_lock(lab: Lab) -> None:
    with running(lab, "waiting") as process:
        until(lambda: "quick" in lab.world.names(), "the first up at work")

        with pytest.raises(StackLocked) as caught:
            lab.engine.up(lab.stack(PROGRAMS["waiting"]))

        assert works_for(process, caught.value.holder.pid)
        assert str(caught.value.holder.pid) in str(caught.value)
        holder = lab.engine.lock_holder(lab.stack(PROGRAMS["waiting"]))
        assert holder is not None
        assert (holder, holder.operation) == (caught.value.holder, "up")
        with pytest.raises(StackLocked):
            lab.engine.unlock(lab.stack(PROGRAMS["waiting"]))


def test_another_stack_is_not_locked(lab: Lab) -> None:
    with running(lab, "waiting"):
        until(lambda: "quick" in lab.world.names(), "the first up at work")

        lab.engine.up(lab.stack(PROGRAMS["estate"], name="staging"))

    assert "gate" in lab.world.names()


def test_the_lock_of_a_killed_process_is_recovered_and_that_is_said(lab: Lab) -> None:
    notes: list[str] = []

    def listen(event: EngineEvent) -> None:
        notes.append(event.message)

    lab.world.order("create", "house", "kill", moment="before")
    assert killed(lab, "up", "estate")
    assert lab.engine.lock_holder(lab.stack(PROGRAMS["estate"])) is None

    lab.restarted().up(lab.stack(PROGRAMS["estate"]), on_event=listen)

    assert any("was interrupted" in note for note in notes)
    assert lab.world.names() == ["garden", "gate", "ground", "house"]


def test_no_lock_is_left_after_an_up(lab: Lab) -> None:
    lab.engine.up(lab.stack(PROGRAMS["estate"]))

    assert lab.engine.lock_holder(lab.stack(PROGRAMS["estate"])) is None


def test_cancelling_finishes_what_is_under_way_and_starts_nothing_new(lab: Lab) -> None:
    cancel = threading.Event()
    stack = lab.stack(PROGRAMS["waiting_for_interrupt"])

    with ThreadPoolExecutor(1) as pool:
        up = pool.submit(lab.engine.up, stack, cancel=cancel)
        until(lambda: up.done() or lab.world.present(INTERRUPT) == 1, "a create under way")
        cancel.set()
        lab.interrupted()
        with pytest.raises(OperationCancelled):
            up.result()

    assert lab.world.names() == ["first"]
    assert lab.restarted().up(stack).plan.counts == {"create": 1, "same": 1}


def taken(process: subprocess.Popen[str], signal_: signal.Signals) -> None:
    """Send a signal, and return once the process has taken it and waits again: it looks up a few times, then."""

    def times_waited() -> int:
        status = Path(f"/proc/{process.pid}/status").read_text()
        return int(status.partition("\nvoluntary_ctxt_switches:")[2].split()[0])

    before = times_waited()
    process.send_signal(signal_)
    until(lambda: process.poll() is not None or times_waited() >= before + 5, f"{signal_.name} taken")
    assert process.returncode is None, "it waits for what is under way"


@pytest.mark.parametrize(
    "signals",
    [[signal.SIGINT], [signal.SIGTERM], [signal.SIGINT] * 4],
    ids=["interrupted", "terminated", "interrupted-impatiently"],
)
def test_an_interrupted_process_records_what_was_under_way_and_leaves_no_lock(
    lab: Lab, signals: list[signal.Signals]
) -> None:
    with running(lab, "waiting") as process:
        until(lambda: lab.world.present("never") == 1 and lab.world.names() == ["quick"], "a create under way")
        for each in signals:
            taken(process, each)
        lab.world.meet("never", "the test", 2)  # now the create can finish
        _, errors = process.communicate(timeout=60)

    assert process.returncode != 0
    assert lab.world.names() == ["quick", "slow"]
    assert lab.engine.lock_holder(lab.stack(PROGRAMS["waiting"])) is None
    assert lab.restarted().up(lab.stack(PROGRAMS["waiting"])).plan.empty, errors
