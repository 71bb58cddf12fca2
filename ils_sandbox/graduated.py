"""Which environments of the sandbox are applied by the real Pulumi: a file each, in the folder of Pulumi's state."""

from __future__ import annotations

from pathlib import Path


def has_graduated(stacks: Path, environment: str) -> bool:
    """`stacks` is the folder of the sandbox's checkpoints."""
    return _mark(stacks, environment).exists()


def set_graduated(stacks: Path, environment: str, *, graduated: bool) -> None:
    mark = _mark(stacks, environment)
    if graduated:
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch()
    else:
        mark.unlink(missing_ok=True)


def _mark(stacks: Path, environment: str) -> Path:
    return stacks / "pulumi" / "graduated" / environment
