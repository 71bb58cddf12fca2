"""What was called, by family of jobs: read from what the servers of a sandbox wrote down."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ils_pipelines.operations.restore.place import DRILL_PREFIX
from ils_pipelines.settings.account import JobFamily
from ils_sandbox.control.recording import KindOfCall
from ils_sandbox.target import PROVISIONS
from tools.iam.kubernetes_calls import Request, placed, requests_of

Calls = dict[str, list[str]]
"""Operations by service."""

READ_ONLY, HEALTH, BACKUPS, DRILLS, CERTIFICATES, COSTS, NOTIFICATIONS = (
    family.value.replace("_", "-")
    for family in (
        JobFamily.READ_ONLY,
        JobFamily.HEALTH,
        JobFamily.BACKUP,
        JobFamily.DRILL,
        JobFamily.CERTIFICATES,
        JobFamily.COSTS,
        JobFamily.NOTIFICATIONS,
    )
)
PROVISION = PROVISIONS
FAMILIES = (READ_ONLY, HEALTH, BACKUPS, DRILLS, CERTIFICATES, COSTS, NOTIFICATIONS, PROVISION)


@dataclass(frozen=True)
class Touch:
    """One kind of call to AWS, with what it names."""

    environment: str
    service: str
    operation: str
    resources: tuple[str, ...] = ()
    """ARNs, with `*` for what AWS makes up."""
    tags: tuple[tuple[str, str], ...] = ()
    """Those in the request that say whose a resource becomes."""


@dataclass(frozen=True)
class Seen:
    """Calls to AWS and to Kubernetes."""

    aws: dict[str, dict[str, set[str]]] = field(default_factory=lambda: defaultdict(dict))
    """Operations by service."""
    touches: dict[str, set[Touch]] = field(default_factory=lambda: defaultdict(set))
    """The same calls, with what they name: which is not kept in a file, as it follows the names in tests."""
    kubernetes: dict[str, set[Request]] = field(default_factory=lambda: defaultdict(set))


def seen_in(folder: Path, environment: str = "") -> Seen:
    """What families of jobs called, of one environment or of all of them; not what tests, or the sandbox itself, did."""
    seen = Seen()
    for call in _calls(folder):
        family, _, of = call.caller.partition(".")
        family = family.replace("_", "-")
        if family not in FAMILIES or environment not in ("", of):
            continue
        if call.service == "kubernetes":
            if call.cluster.startswith(f"{DRILL_PREFIX}-"):
                continue  # whoever makes a cluster may do anything in it
            seen.kubernetes[family].update(placed(each, of) for each in requests_of(call))
        else:
            seen.aws[family].setdefault(call.service, set()).add(call.operation)
            seen.touches[family].add(Touch(of, call.service, call.operation, call.resources, call.tags))
    return seen


def _calls(folder: Path) -> Iterator[KindOfCall]:
    for file in sorted(folder.glob("*.jsonl")):
        for line in file.read_text().splitlines():
            yield KindOfCall.model_validate_json(line)


def listed_calls(seen: Seen) -> dict[str, Calls]:
    """As they are kept in a file. What provisioning calls, and whoever looks calls as well, is with who looks."""
    reading = seen.aws.get(READ_ONLY, {})
    found = {family: seen.aws[family] for family in FAMILIES if family in seen.aws}
    if PROVISION in found:
        found[PROVISION] = {name: made - reading.get(name, set()) for name, made in found[PROVISION].items()}
    return {family: _sorted(calls) for family, calls in found.items()}


def together(*recordings: Mapping[str, Mapping[str, list[str]]]) -> dict[str, Calls]:
    """All calls of several recordings."""
    found: dict[str, dict[str, set[str]]] = {}
    for recording in recordings:
        for family, calls in recording.items():
            for service, operations in calls.items():
                found.setdefault(family, {}).setdefault(service, set()).update(operations)
    return {family: _sorted(calls) for family, calls in found.items()}


def _sorted(calls: Mapping[str, set[str]]) -> Calls:
    return {service: sorted(operations) for service, operations in sorted(calls.items()) if operations}
