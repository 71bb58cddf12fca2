"""Runs that do not end by themselves, side by side, and the end of an environment. The sandbox's clock runs slowly here."""

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from dagster import DagsterInstance, DagsterRunStatus, RunsFilter

from ils_pipelines.settings.layers import Layer
from tests.cli.conftest import Terminal

SECONDS_PER_MINUTE = 0.5
WAIT_SECONDS = 120

pytestmark = pytest.mark.slow


@pytest.fixture
def slow(sandbox: Terminal) -> Iterator[Terminal]:
    """An empty sandbox, in which creating a cluster takes a few seconds."""
    if (sandbox.state / "stacks").exists():
        reset = sandbox.ils("sandbox", "reset")
        assert reset.code == 0, reset.stderr
    sandbox.slow_down(SECONDS_PER_MINUTE)
    yield sandbox
    sandbox.slow_down(0.0)


@contextmanager
def upping(terminal: Terminal) -> Iterator[subprocess.Popen[str]]:
    """`ils up dev`, at the moment when the cluster is being worked on."""
    process = terminal.start("up", "dev", "--json")
    try:
        _wait_for(process, "cluster      started")
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def _wait_for(process: subprocess.Popen[str], text: str) -> None:
    assert process.stderr is not None
    deadline = time.monotonic() + WAIT_SECONDS
    seen = ""
    with selectors.DefaultSelector() as selector:  # select() takes no descriptor above 1023
        selector.register(process.stderr, selectors.EVENT_READ)
        while text not in seen:
            ready = selector.select(max(0.0, deadline - time.monotonic()))
            assert ready, f"no {text!r} within {WAIT_SECONDS} s:\n{seen}"
            read = os.read(process.stderr.fileno(), 65536).decode()
            assert read, f"ended before {text!r}:\n{seen}"
            seen += read


def test_an_interrupt_finishes_and_records_what_is_under_way_and_the_next_run_goes_on(slow: Terminal) -> None:
    with upping(slow) as process:
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=WAIT_SECONDS)

    assert process.returncode == 130
    assert "interrupted: finishing and recording what is under way" in stderr
    assert "Traceback" not in stderr
    assert '"success": false' in stdout
    with DagsterInstance.from_config(str(slow.dagster_home)) as instance:
        [latest] = instance.get_runs(limit=1)
        assert latest.status == DagsterRunStatus.CANCELED

    slow.slow_down(0.0)
    again = slow.ils("up", "dev", "--json")
    assert again.code == 0, again.stderr
    changes = {layer["layer"]: layer["changes"] for layer in again.json["layers"]}
    assert not any(changes["vpc"].values())
    assert changes["app_release"]["create"] > 0


@pytest.mark.long
def test_a_second_run_meanwhile_is_refused_and_told_of_the_first(slow: Terminal) -> None:
    with upping(slow) as process:
        second = slow.ils("up", "dev", "--json")
        down = slow.ils("down", "dev", "--confirm", "dev")
        stdout, stderr = process.communicate(timeout=WAIT_SECONDS)

    assert second.code == 4
    assert "has been working on dev since" in second.json["error"]
    assert down.code == 4
    assert "is locked: up by" in down.stderr
    assert process.returncode == 0, stderr
    assert '"success": true' in stdout


def test_a_killed_run_is_recorded_as_failed_and_the_next_one_finishes_its_work(slow: Terminal) -> None:
    with upping(slow) as process:
        process.kill()
        process.wait()

    slow.slow_down(0.0)
    again = slow.ils("up", "dev", "--json")

    assert again.code == 0, again.stderr
    with DagsterInstance.from_config(str(slow.dagster_home)) as instance:
        last, killed = instance.get_runs(RunsFilter(job_name="provision_environment"), limit=2)
        assert (last.status, killed.status) == (DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE)
    assert _layers_up(slow) == len(Layer)


@pytest.mark.long
def test_down_needs_the_name_and_then_leaves_nothing(slow: Terminal) -> None:
    slow.slow_down(0.0)
    assert slow.ils("up", "dev").code == 0

    refused = slow.ils("down", "dev")
    assert refused.code == 1
    assert "its name must be given as confirmation: expected 'dev', found nothing" in refused.stderr
    wrong = slow.ils("down", "dev", "--confirm", "staging")
    assert wrong.code == 1
    assert _layers_up(slow) == len(Layer)

    gone = slow.ils("down", "dev", "--confirm", "dev", "--json")
    assert gone.code == 0, gone.stderr
    assert all(layer["changes"]["delete"] > 0 for layer in gone.json["layers"])
    assert _layers_up(slow) == 0


def _layers_up(terminal: Terminal) -> int:
    [environment] = terminal.ils("status", "dev", "--json").json["environments"]
    return sum(layer["exists"] for layer in environment["layers"])


@pytest.mark.long
def test_what_is_protected_is_not_deleted_and_neither_is_anything_else(slow: Terminal) -> None:
    slow.slow_down(0.0)
    digest = slow.ils("plan", "production", "--json").json["digest"]
    assert slow.ils("up", "production", "--approve", digest).code == 0

    refused = slow.ils("down", "production", "--confirm", "production")

    assert refused.code == 1
    assert "protected" in refused.stderr
    [environment] = slow.ils("status", "production", "--json").json["environments"]
    assert all(layer["exists"] for layer in environment["layers"])
