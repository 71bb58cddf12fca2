"""A run of `ils up` with the real Pulumi, interrupted while a cluster is being made. The sandbox's clock runs slowly here."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3
import pytest

from tests.end_to_end.conftest import LocalSandbox, until
from tests.support.real_pulumi import needs_pulumi

SECONDS_PER_MINUTE = 1.0
WAIT_SECONDS = 240

pytestmark = [pytest.mark.real_engine, pytest.mark.slow, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalSandbox]:
    """With `dev` applied by the real Pulumi, and everything but the cluster there."""
    needs_pulumi()
    sandbox = LocalSandbox(tmp_path_factory.mktemp("interrupting"))
    sandbox.ils("sandbox", "start")
    sandbox.ils("graduate", "dev")
    yield sandbox
    sandbox.ils("sandbox", "stop")


@pytest.fixture
def without_dev(sandbox: LocalSandbox) -> Iterator[LocalSandbox]:
    sandbox.ils("down", "dev", "--confirm", "dev")
    sandbox.control("settings", {"seconds_per_minute": SECONDS_PER_MINUTE})
    yield sandbox
    sandbox.control("settings", {"seconds_per_minute": 0})


def locks(sandbox: LocalSandbox) -> list[Path]:
    return sorted((sandbox.directory / "stacks/pulumi/state/.pulumi/locks").rglob("*.json"))


def clusters(sandbox: LocalSandbox) -> list[str]:
    keys = {"aws_access_key_id": "sandbox", "aws_secret_access_key": "sandbox"}
    eks = boto3.client("eks", region_name="us-east-1", endpoint_url=sandbox.endpoints["aws"], **keys)
    names: list[str] = eks.list_clusters()["clusters"]
    return names


@contextmanager
def making_the_cluster(sandbox: LocalSandbox) -> Iterator[subprocess.Popen[str]]:
    """`ils up dev`, at the moment when the cluster is there but not ready."""
    process = sandbox.start("up", "dev")
    assert process.stderr is not None
    said: list[str] = []
    reading = threading.Thread(target=lambda: said.extend(process.stderr or ()), daemon=True)
    reading.start()
    try:
        until(lambda: process.poll() is not None or bool(clusters(sandbox)), "the cluster is being made", WAIT_SECONDS)
        assert process.poll() is None, said
        yield process
    finally:
        process.kill()
        process.wait(WAIT_SECONDS)
        reading.join(10)


def finishes(sandbox: LocalSandbox) -> None:
    """The next run makes the rest, and the one after that has nothing to do."""
    sandbox.control("settings", {"seconds_per_minute": 0})
    sandbox.ils("up", "dev")
    assert clusters(sandbox) == ["ils-dev"]
    again = sandbox.ils_json("up", "dev")
    assert not any(any(layer["changes"].values()) for layer in again["layers"])


@pytest.mark.parametrize("signal_", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_no_lock_and_the_next_one_goes_on(
    without_dev: LocalSandbox, signal_: signal.Signals
) -> None:
    with making_the_cluster(without_dev) as process:
        process.send_signal(signal_)
        assert process.wait(WAIT_SECONDS) == 130

    assert locks(without_dev) == []
    finishes(without_dev)


def test_a_killed_run_leaves_pulumi_to_record_what_is_under_way_and_to_give_back_its_lock(
    without_dev: LocalSandbox,
) -> None:
    with making_the_cluster(without_dev) as process:
        process.kill()
        process.wait(WAIT_SECONDS)

    until(lambda: locks(without_dev) == [], "Pulumi gave its locks back", WAIT_SECONDS)
    finishes(without_dev)


def test_after_everything_was_killed_the_next_run_names_the_lock_and_the_command_that_takes_it_away(
    without_dev: LocalSandbox,
) -> None:
    with making_the_cluster(without_dev) as process:
        holders = {path.parts[-3]: json.loads(path.read_text())["pid"] for path in locks(without_dev)}
        for pid in holders.values():
            os.kill(pid, signal.SIGKILL)
        process.kill()
        process.wait(WAIT_SECONDS)
    stranded = {path.parts[-3] for path in locks(without_dev)}
    assert "ils-cluster" in stranded

    refused = without_dev.ils("up", "dev", code=4).stderr

    assert f"process {holders['ils-cluster']}" in refused
    assert "ils unlock dev --layer cluster" in refused
    without_dev.ils("unlock", "dev", "--layer", "cluster")
    without_dev.ils("unlock", "dev")
    assert locks(without_dev) == []
    finishes(without_dev)
