"""Runs as Dagster starts them: queued by a webserver, taken from the queue by the daemon, each a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import yaml

from benchmarks.fleet import Fleet
from ils_sandbox.processes import free_port

ROOT = Path(__file__).parents[1]
_LAUNCH = """mutation Launch($job: String!, $partition: String!) { launchRun(executionParams: {
    selector: {repositoryLocationName: "ils_pipelines", repositoryName: "__repository__", jobName: $job}
    runConfigData: {} mode: "default" executionMetadata: {tags: [{key: "dagster/partition", value: $partition}]}
  }) { __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
_KNOW = """mutation Know($partition: String!) { addDynamicPartition(
    partitionsDefName: "environments", partitionKey: $partition
    repositorySelector: {repositoryLocationName: "ils_pipelines", repositoryName: "__repository__"}) {
  __typename ... on PythonError { message } ... on UnauthorizedError { message } } }"""
_RUNS = """query Runs($ids: [String!]) { runsOrError(filter: {runIds: $ids}, limit: 1000) {
  ... on Runs { results { runId status startTime endTime } } } }"""
_FAILURES = """query Failures($id: ID!) { logsForRun(runId: $id) { ... on EventConnection { events { __typename
  ... on ExecutionStepFailureEvent { stepKey error { message cause { message } } }
  ... on RunFailureEvent { message error { message } } } } } }"""
_OVER = frozenset({"SUCCESS", "FAILURE", "CANCELED"})
_PAUSE_SECONDS = 0.5


@dataclass(frozen=True)
class Ran:
    """What became of runs that were started together."""

    statuses: Sequence[str]
    failures: Sequence[str]
    """What those that failed say of it."""
    seconds: float
    at_once: int
    """The most that were between their start and their end."""
    peak_mib: float
    """The most memory of all processes of Dagster, shared pages counted in each."""


def run_all(fleet: Fleet, job: str, names: Sequence[str], *, bound: int | None = None, patience: float = 1800) -> Ran:
    """Queue the job for every environment at once, and wait. `bound` replaces the instance's own limit of runs.

    Raises `TimeoutError` when that takes longer than `patience` seconds.
    """
    _configure(Path(fleet.environment["DAGSTER_HOME"]), bound)
    with _dagster(fleet) as (address, processes), _memory(processes) as peak:
        for name in names:
            # A sensor does it, too, but a run may begin before its first tick.
            _make_known(address, name)
        started = time.perf_counter()
        ids = [_launch(address, job, name) for name in names]
        while not _over(runs := _runs(address, ids)):
            if time.perf_counter() - started > patience:
                raise TimeoutError(f"runs of {job} did not end within {patience:.0f} s: {runs}")
            time.sleep(_PAUSE_SECONDS)
        seconds = time.perf_counter() - started
        failures = [said for run in runs if run["status"] == "FAILURE" for said in _said(address, run["runId"])]
    return Ran([run["status"] for run in runs], failures, seconds, _at_once(runs), max(peak))


def _configure(home: Path, bound: int | None) -> None:
    home.mkdir(exist_ok=True)
    configuration = yaml.safe_load((ROOT / "dagster.yaml").read_text())
    if bound is not None:
        configuration["concurrency"]["runs"]["max_concurrent_runs"] = bound
    (home / "dagster.yaml").write_text(yaml.safe_dump(configuration))


@contextmanager
def _dagster(fleet: Fleet) -> Iterator[tuple[str, list[psutil.Process]]]:
    """The webserver and the daemon, one after the other: two at once would both make the instance's tables."""
    port = free_port(0)
    address = f"http://127.0.0.1:{port}"
    with ExitStack() as stack:
        web = _start(fleet, stack, "dagster-webserver", "--host", "127.0.0.1", "--port", str(port))
        _wait_for(address, web)
        daemon = _start(fleet, stack, "dagster-daemon", "run")
        yield address, [web, daemon]


def _start(fleet: Fleet, stack: ExitStack, program: str, *arguments: str) -> psutil.Process:
    home = Path(fleet.environment["DAGSTER_HOME"])
    output = stack.enter_context((home / f"{program}.log").open("w"))
    process = subprocess.Popen(
        [str(Path(sys.executable).with_name(program)), *arguments, "--workspace", str(ROOT / "workspace.yaml")],
        stdout=output,
        stderr=output,
        env=dict(fleet.environment),
        cwd=home,
    )
    stack.callback(_end, process)
    return psutil.Process(process.pid)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _wait_for(address: str, server: psutil.Process, patience: float = 300) -> None:
    deadline = time.monotonic() + patience
    while server.status() != psutil.STATUS_ZOMBIE and time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"{address}/server_info", timeout=5).close()
        except OSError:
            time.sleep(_PAUSE_SECONDS)
        else:
            return
    raise RuntimeError(
        f"expected Dagster's webserver at {address}, found none: its log is in the folder of the instance"
    )


@contextmanager
def _memory(processes: Sequence[psutil.Process]) -> Iterator[list[float]]:
    """MiB of these processes and all that they started, looked at twice a second."""
    found, ended = [0.0], threading.Event()

    def look() -> None:
        while not ended.wait(_PAUSE_SECONDS):
            found.append(sum(_mib(each) for root in processes for each in _family(root)))

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield found
    finally:
        ended.set()
        looking.join()


def _family(root: psutil.Process) -> list[psutil.Process]:
    try:
        return [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _mib(process: psutil.Process) -> float:
    try:
        return float(process.memory_info().rss) / 2**20
    except psutil.NoSuchProcess:
        return 0.0


def _make_known(address: str, partition: str) -> None:
    answer = _ask(address, _KNOW, partition=partition)["addDynamicPartition"]
    if answer["__typename"] not in ("AddDynamicPartitionSuccess", "DuplicateDynamicPartitionError"):
        raise RuntimeError(f"the partition {partition} cannot be added: {answer}")


def _launch(address: str, job: str, partition: str) -> str:
    answer = _ask(address, _LAUNCH, job=job, partition=partition)["launchRun"]
    if answer["__typename"] != "LaunchRunSuccess":
        raise RuntimeError(f"{job} of {partition} was not started: {answer}")
    return str(answer["run"]["runId"])


def _runs(address: str, ids: Sequence[str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = _ask(address, _RUNS, ids=list(ids))["runsOrError"]["results"]
    return found


def _said(address: str, run_id: str) -> Iterator[str]:
    for event in _ask(address, _FAILURES, id=run_id)["logsForRun"]["events"]:
        if event["__typename"] in ("ExecutionStepFailureEvent", "RunFailureEvent"):
            yield json.dumps(event)


def _over(runs: Sequence[dict[str, Any]]) -> bool:
    return all(run["status"] in _OVER for run in runs)


def _at_once(runs: Sequence[dict[str, Any]]) -> int:
    times = [(run["startTime"], run["endTime"]) for run in runs if run["startTime"] and run["endTime"]]
    return max((sum(start <= moment < end for start, end in times) for moment, _ in times), default=0)


def _ask(address: str, query: str, **variables: Any) -> Any:
    body = json.dumps({"query": query, "variables": variables}).encode()
    request = urllib.request.Request(f"{address}/graphql", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=120) as response:
        answer = json.load(response)
    if "errors" in answer:
        raise RuntimeError(f"Dagster refuses: {answer['errors']}")
    return answer["data"]
