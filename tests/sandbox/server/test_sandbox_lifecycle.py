"""`ils sandbox start|stop|status|reset`, and what they do with a sandbox that was killed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from ils_sandbox.processes import free_port, is_running
from ils_sandbox.state import SandboxState
from tests.sandbox.server.conftest import poll

Until = Callable[..., None]


def _ssm(sandbox: Any) -> Any:
    return boto3.client(
        "ssm",
        endpoint_url=sandbox.state.aws.endpoint,
        region_name="eu-central-1",
        aws_access_key_id="a",
        aws_secret_access_key="b",
    )


@pytest.fixture(scope="module")
def up(shared: Any) -> Any:
    """What `start` said of the sandbox that is up."""
    return shared.start().json


def test_start_returns_once_everything_answers(up: Any, shared: Any) -> None:
    assert up["up"] is True
    assert up["was_up"] is False
    _ssm(shared).put_parameter(Name="/a", Value="1", Type="String")


def test_a_second_start_says_that_it_is_up_and_changes_nothing(up: Any, shared: Any) -> None:
    pid = shared.state.pid
    second = shared.run("start")
    assert (second.code, second.err) == (0, "")
    assert "already up" in second.out
    assert shared.state.pid == pid


def test_of_two_starts_at_once_one_wins_and_both_succeed(sandbox: Any) -> None:
    starts = [sandbox.begin("start", "--no-kubernetes", "--json") for _ in range(3)]
    results = [process.communicate(timeout=120) for process in starts]
    assert [process.returncode for process in starts] == [0, 0, 0], results
    assert len({out.partition('"pid": ')[2].partition(",")[0] for out, _ in results}) == 1


@dataclass(frozen=True)
class Stopped:
    """A sandbox with something in it that was stopped, or whose supervisor was killed."""

    sandbox: Any
    before: SandboxState
    said: Any = None

    def copied_to(self, sandbox: Any) -> Any:
        shutil.copytree(self.sandbox.directory, sandbox.directory, symlinks=True)
        return sandbox


@pytest.fixture(scope="module")
def stopped(shared_folder: Any) -> Stopped:
    sandbox = shared_folder("stopped")
    # The usual ones go to whatever sandbox of another process's tests starts next.
    first = 22000 + 3 * (os.getpid() % 3000)
    sandbox.files.make()
    ports = {name: free_port(first + number) for number, name in enumerate(("aws", "kubernetes", "data"))}
    sandbox.files.ports.write_text(json.dumps(ports))
    sandbox.start()
    _ssm(sandbox).put_parameter(Name="/kept", Value="1", Type="String")
    before = sandbox.state
    return Stopped(sandbox, before, sandbox.run("stop", "--json"))


@pytest.fixture(scope="module")
def killed(shared_folder: Any) -> Stopped:
    """Until the AWS server has ended."""
    sandbox = shared_folder("killed")
    sandbox.start()
    _ssm(sandbox).put_parameter(Name="/kept", Value="1", Type="String")
    before = sandbox.state
    os.kill(before.pid, signal.SIGKILL)
    poll(lambda: not is_running(before.aws.pid), "the AWS server ends")
    return Stopped(sandbox, before)


def test_stop_ends_every_process(stopped: Stopped) -> None:
    state = stopped.before
    assert state.data is not None
    assert (stopped.said.code, stopped.said.json) == (0, {"up": False, "was_up": True})
    assert not any(is_running(pid) for pid in (state.pid, state.aws.pid, state.data.pid))
    assert not stopped.sandbox.files.state.exists()


def test_stopping_what_is_not_up_succeeds(sandbox: Any) -> None:
    stopped = sandbox.run("stop")
    assert stopped.code == 0
    assert "was not up" in stopped.out


def test_the_contents_and_the_ports_survive_stop_and_start(stopped: Stopped, sandbox: Any) -> None:
    stopped.copied_to(sandbox).start()
    assert sandbox.state.aws.endpoint == stopped.before.aws.endpoint
    assert _ssm(sandbox).get_parameter(Name="/kept")["Parameter"]["Value"] == "1"


def test_status_is_3_when_down(sandbox: Any) -> None:
    down = sandbox.run("status")
    assert down.code == 3
    assert "ils sandbox start" in down.out
    assert sandbox.run("status", "--json").json["up"] is False


def test_status_shows_endpoints_processes_and_memory(up: Any, shared: Any) -> None:
    sandbox = shared
    status = sandbox.run("status", "--json")
    assert status.code == 0
    assert status.json["healthy"] is True
    assert status.json["state"]["aws"]["endpoint"] == sandbox.state.aws.endpoint
    processes = {process["name"]: process for process in status.json["processes"]}
    assert processes["aws"]["pid"] == sandbox.state.aws.pid
    assert processes["aws"]["memory_megabytes"] > 10
    text = sandbox.run("status").out
    assert sandbox.state.aws.endpoint in text
    assert f"pid {sandbox.state.aws.pid}, answers" in text


def test_what_is_unsupported_is_said(sandbox: Any) -> None:
    said = {each["area"]: each["unsupported"] for each in sandbox.run("limits", "--json").json["unsupported"]}
    assert "recovery points" in said["AWS Backup"]
    assert "lifecycle rules" in said["S3"]
    text = sandbox.run("limits").out
    assert text.startswith("unsupported in the sandbox:")
    assert all(f"{area}: {unsupported}" in text for area, unsupported in said.items())


def test_reset_deletes_contents_and_checkpoints_and_starts_again(sandbox: Any) -> None:
    sandbox.start()
    checkpoint = sandbox.files.stacks / "ils-vpc" / "dev.json"
    checkpoint.parent.mkdir(parents=True)
    checkpoint.write_text("{}")
    client = _ssm(sandbox)
    client.put_parameter(Name="/gone", Value="1", Type="String")

    reset = sandbox.run("reset", "--json")

    assert reset.code == 0, reset
    assert reset.json["up"] is True
    assert not sandbox.files.stacks.exists()
    with pytest.raises(client.exceptions.ParameterNotFound):
        _ssm(sandbox).get_parameter(Name="/gone")


def test_reset_of_a_sandbox_that_is_down_leaves_it_down(stopped: Stopped, sandbox: Any) -> None:
    stopped.copied_to(sandbox)
    assert (sandbox.files.aws / "snapshot").exists()
    assert sandbox.run("reset", "--json").json["up"] is False
    assert not sandbox.files.aws.exists()


def test_servers_end_with_a_supervisor_that_was_killed(killed: Stopped) -> None:
    assert killed.sandbox.files.state.exists()
    assert SandboxState.load(killed.sandbox.directory) is None
    assert killed.sandbox.run("status").code == 3


def test_what_was_there_is_still_there_after_the_supervisor_was_killed(killed: Stopped, sandbox: Any) -> None:
    killed.copied_to(sandbox).start()
    assert sandbox.state.pid != killed.before.pid
    assert _ssm(sandbox).get_parameter(Name="/kept")["Parameter"]["Value"] == "1"


def test_a_server_that_dies_takes_the_sandbox_down_and_is_named(sandbox: Any, until: Until) -> None:
    sandbox.start()
    state = sandbox.state
    os.kill(state.aws.pid, signal.SIGKILL)
    until(lambda: not is_running(state.pid), "the supervisor ends")
    said = sandbox.log("supervisor")
    assert f"the aws server (pid {state.aws.pid}) ended by itself, exit code -9" in said
    assert "the sandbox goes down" in said
    assert sandbox.run("status").code == 3


def usual_port_taken(sandbox: Any, usual: str) -> tuple[str, socket.socket]:
    """Its usual endpoint, and who holds it now. Where another sandbox of these tests was faster, it gets another first."""
    for _ in range(10):
        squatter = socket.socket()
        # As servers do: connections that the stopped one closed a moment ago hold nobody up.
        squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            squatter.bind(("127.0.0.1", int(usual.rpartition(":")[2])))
        except OSError:
            squatter.close()
        else:
            squatter.listen()
            return usual, squatter
        sandbox.start()
        usual = sandbox.state.aws.endpoint
        sandbox.run("stop")
    raise AssertionError("no port to hold")


def test_another_port_is_taken_when_the_usual_one_is_not_free(stopped: Stopped, sandbox: Any) -> None:
    usual, squatter = usual_port_taken(stopped.copied_to(sandbox), stopped.before.aws.endpoint)
    with squatter:
        sandbox.start()
        assert sandbox.state.aws.endpoint != usual
        _ssm(sandbox).describe_parameters()


def test_sandboxes_that_start_at_the_same_moment_take_different_ports(neighbours: list[Any]) -> None:
    """Both find the same ports free; each must end up with servers of its own."""
    ports = json.dumps({"aws": free_port(21000), "kubernetes": free_port(21100)})
    for sandbox in neighbours:
        sandbox.files.sandbox.mkdir(parents=True)
        sandbox.files.ports.write_text(ports)

    started = [sandbox.begin("start") for sandbox in neighbours]
    for process in started:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors

    assert all(sandbox.run("status").code == 0 for sandbox in neighbours)
    for endpoints in ({s.state.aws.endpoint for s in neighbours}, {s.state.kubernetes.endpoint for s in neighbours}):
        assert len(endpoints) == len(neighbours)


def test_only_the_owner_can_read_what_is_kept(stopped: Stopped) -> None:
    sandbox = stopped.sandbox
    for path in (sandbox.files.sandbox, sandbox.files.aws, sandbox.files.aws / "snapshot"):
        assert path.stat().st_mode & 0o077 == 0, path


def test_servers_listen_on_loopback_only(up: Any, shared: Any) -> None:
    port = int(shared.state.aws.endpoint.rpartition(":")[2])
    table = Path("/proc/net/tcp")
    if not table.exists():
        pytest.skip("needs /proc/net")
    listening = [
        local
        for _, local, _, state, *_ in (line.split() for line in table.read_text().splitlines()[1:])
        if state == "0A" and int(local.partition(":")[2], 16) == port
    ]
    assert [local.partition(":")[0] for local in listening] == ["0100007F"]


def test_a_state_folder_that_cannot_be_made_is_named(sandbox: Any) -> None:
    sandbox.directory.parent.mkdir(parents=True, exist_ok=True)
    sandbox.directory.write_text("a file")
    try:
        failed = sandbox.run("start")
    finally:
        sandbox.directory.unlink()
    assert failed.code == 1
    assert str(sandbox.directory) in failed.err
    assert "Traceback" not in failed.err


def test_contents_that_cannot_be_read_fail_the_start_and_are_kept(sandbox: Any) -> None:
    snapshot = sandbox.files.aws / "snapshot"
    snapshot.parent.mkdir(parents=True)
    snapshot.write_bytes(b"nonsense")
    failed = sandbox.run("start", "--no-kubernetes")
    assert failed.code == 1
    assert "cannot be read" in failed.err
    assert "ils sandbox reset" in failed.err
    assert snapshot.read_bytes() == b"nonsense"
    assert sandbox.run("status").code == 3


def test_a_supervisor_that_is_told_to_stop_while_starting_leaves_nothing(sandbox: Any, until: Until) -> None:
    from ils_sandbox.state import lock_holder

    starting = sandbox.begin("start", "--no-kubernetes")
    until(lambda: bool(lock_holder(sandbox.files.lock)), "the supervisor holds the lock")
    supervisor = lock_holder(sandbox.files.lock)
    assert supervisor is not None
    os.kill(supervisor, signal.SIGTERM)
    starting.communicate(timeout=60)
    until(lambda: lock_holder(sandbox.files.lock) is None, "the lock is released")
    until(lambda: not is_running(supervisor), "the supervisor ends")
    assert SandboxState.load(sandbox.directory) is None
