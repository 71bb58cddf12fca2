"""`python -m benchmarks.look JOB NAME…`: one job after the other over environments in this process, as a run of each does it.

Prints a JSON object: the seconds it took, and the most memory this process ever had.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable, Mapping

from ils_pipelines.operations.certificates.scan import certificates
from ils_pipelines.operations.costs.look import costs
from ils_pipelines.operations.drift.scan import scan
from ils_pipelines.operations.health.look import health
from ils_pipelines.operations.posture.report import posture
from ils_pipelines.provisioning.layers import layer_work
from ils_pipelines.provisioning.versions import check_versions
from ils_pipelines.settings.layers import Layer
from ils_pipelines.settings.loading import load_environment
from ils_pipelines.targets import open_target
from ils_pipelines.targets.protocol import Target


def _up(target: Target) -> None:
    for layer in Layer:
        layer_work(target, layer).up()


JOBS: Mapping[str, Callable[[Target], object]] = {
    "up": _up,
    "certificates": certificates,
    "costs": costs,
    "health": health,
    "drift": scan,
    "posture": posture,
    "versions": check_versions,
}
SCHEDULED = tuple(name for name in JOBS if name != "up")


def main(job: str, names: list[str]) -> None:
    started = time.perf_counter()
    for name in names:
        target = open_target(load_environment(name))
        target.preflight()
        JOBS[job](target)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(json.dumps({"seconds": time.perf_counter() - started, "peak_mib": peak}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
