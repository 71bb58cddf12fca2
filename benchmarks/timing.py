"""Whole-process timings: every figure here is the wall time of a command from start to exit."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Mapping, Sequence
from statistics import median


def wall(command: Sequence[str], env: Mapping[str, str]) -> float:
    """Seconds that the command takes. Raises CalledProcessError with its output when it fails."""
    started = time.perf_counter()
    subprocess.run(command, env=dict(env), check=True, capture_output=True, text=True)
    return time.perf_counter() - started


def row(name: str, seconds: Sequence[float]) -> str:
    return f"{name:<44} {min(seconds):7.2f} {median(seconds):7.2f} {max(seconds):7.2f} s"


def ratio(name: str, ours: Sequence[float], theirs: Sequence[float]) -> str:
    """Ratios pair by pair, so that a machine that gets slower during the measurement does not change them."""
    ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
    return f"{name:<44} {min(ratios):7.2f} {median(ratios):7.2f} {max(ratios):7.2f} x"


HEADER = f"{'':<44} {'min':>7} {'median':>7} {'max':>7}"
