"""What is wrong with an object."""

from __future__ import annotations

from dataclasses import dataclass

from ils_pipelines.release.objects import Ref


@dataclass(frozen=True)
class Mistake:
    """`path` is the place in the object; `expected` says what would be right, `found` what stands there."""

    ref: Ref
    path: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"{self.ref} {self.path}: expected {self.expected}, found {self.found}"
