"""What loading the code location costs over `import dagster`. The promise is at most 1.5 s."""

from __future__ import annotations

import os
import sys
from statistics import median

from benchmarks.timing import HEADER, row, wall

ROUNDS = 7
MODULES = ("dagster", "ils_pipelines.definitions")


def main() -> None:
    ours, bare = [], []
    for number in range(ROUNDS + 1):
        pair = [wall([sys.executable, "-c", f"import {module}"], os.environ) for module in MODULES]
        if number:  # the first round warms the file cache
            bare.append(pair[0])
            ours.append(pair[1])
    print("Loading the code location")
    print(HEADER)
    print(row("python -c 'import dagster'", bare))
    print(row("python -c 'import ils_pipelines.definitions'", ours))
    print(f"over import dagster: {median(a - b for a, b in zip(ours, bare, strict=True)):.2f} s (at most 1.5)")
