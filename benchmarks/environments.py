"""So many environments in one sandbox: what provisioning and looking at each costs, and whether that depends on how many.

`environments=5,10,50` measures with five, then with ten, and so on. Each job goes over all of them in one process, which
shows what memory it keeps; `health` then runs as Dagster runs it, a process for each, within the instance's limit of runs.
The calls of one environment must not become more with its neighbours.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.fleet import Fleet, fleet
from benchmarks.look import SCHEDULED
from benchmarks.queue import run_all

SIZES = "5,10"
_DEFINITIONS = """import json, resource, time
began = time.perf_counter()
from ils_pipelines.definitions import defs
defs.get_repository_def()
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"seconds": time.perf_counter() - began, "peak_mib": peak}))"""


def main(sizes: str = SIZES) -> None:
    with tempfile.TemporaryDirectory() as folder, fleet(Path(folder)) as made:
        print(f"{'':<34} {'s/env':>8} {'calls/env':>10} {'peak MiB':>9}")
        for size in sorted(int(each) for each in sizes.split(",")):
            _measure(made, size)


def _measure(made: Fleet, size: int) -> None:
    new = made.add_up_to(size)
    if new:
        _print(f"up, {len(new)} more to {size}", len(new), *_looked(made, "up", new))
    for job in SCHEDULED:
        _print(f"{job}, {size} environments", size, *_looked(made, job, made.names))
    loaded = made.measured("-c", _DEFINITIONS)
    print(f"{f'loading the definitions, {size}':<34} {loaded['seconds']:8.2f} s {'':>8} {loaded['peak_mib']:9.0f}")
    ran = run_all(made, "health_scan", made.names)
    failed = [status for status in ran.statuses if status != "SUCCESS"]
    print(
        f"{f'health_scan by Dagster, {size}':<34} {ran.seconds / size:8.2f} {'':>10} {ran.peak_mib:9.0f}"
        f"   {ran.at_once} at once at most, {len(failed)} failed"
    )


def _looked(made: Fleet, job: str, names: Sequence[str]) -> tuple[dict[str, float], int]:
    found: list[dict[str, float]] = []
    calls = made.calls(lambda: found.append(made.look(job, *names)))
    return found[0], calls.total()


def _print(what: str, count: int, took: dict[str, float], calls: int) -> None:
    sys.stdout.write(f"{what:<34} {took['seconds'] / count:8.2f} {calls / count:10.1f} {took['peak_mib']:9.0f}\n")
    sys.stdout.flush()
