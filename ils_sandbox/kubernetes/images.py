"""What becomes of a container, by the tag of its image: the way to make a pod fail on purpose."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    READY = "ready"
    PULL_FAILS = "pull-fails"
    """Stays in ErrImagePull, then ImagePullBackOff."""
    CRASHES = "crashes"
    """Starts, exits with code 1, stays in CrashLoopBackOff."""
    NEVER_READY = "never-ready"
    """Runs, but its readiness probe keeps failing."""
    LIVENESS_FAILS = "liveness-fails"
    """Runs and serves for a while, until its liveness probe fails and it is started again; in the end CrashLoopBackOff."""
    INVALID = "invalid"
    """InvalidImageName: the reference cannot be parsed."""


TAGS: dict[str, Outcome] = {
    "does-not-exist": Outcome.PULL_FAILS,
    "crash": Outcome.CRASHES,
    "never-ready": Outcome.NEVER_READY,
    "liveness-fails": Outcome.LIVENESS_FAILS,
}


class ImageOutcomes:
    """Outcomes that the control API sets for whole references, which stand before what a tag asks for."""

    def __init__(self) -> None:
        self._set: dict[str, Outcome] = {}

    def set(self, reference: str, wanted: Outcome) -> None:
        self._set[reference] = wanted

    def clear(self, reference: str) -> None:
        self._set.pop(reference, None)

    def of(self, reference: str) -> Outcome:
        return self._set.get(reference) or outcome(reference)


@dataclass(frozen=True)
class Image:
    repository: str
    tag: str
    digest: str
    """`sha256:…`; empty when the reference has none."""


def parse(reference: str) -> Image:
    """The parts of an image reference; the tag is `latest` when there is neither tag nor digest."""
    path, _, digest = reference.partition("@")
    folder, slash, last = path.rpartition("/")
    name, _, tag = last.partition(":")
    return Image(f"{folder}{slash}{name}", tag or ("" if digest else "latest"), digest)


def outcome(reference: str) -> Outcome:
    if reference != reference.lower().strip() and parse(reference).repository != parse(reference).repository.lower():
        return Outcome.INVALID
    return TAGS.get(parse(reference).tag, Outcome.READY)
