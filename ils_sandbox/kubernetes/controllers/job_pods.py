"""The pods of a job: what they are made from, and which completion index each works on."""

from __future__ import annotations

import json
from collections.abc import Iterable

from ils_sandbox.kubernetes.controllers.ownership import reference
from ils_sandbox.kubernetes.kinds import JOB
from ils_sandbox.kubernetes.store import Object, name_of

TRACKED = "batch.kubernetes.io/job-tracking"
"""Finalizer of a pod that its job has not counted yet."""
INDEX = "batch.kubernetes.io/job-completion-index"
_INDEX_VARIABLE = "JOB_COMPLETION_INDEX"


def pod_for(job: Object, index: int | None) -> Object:
    """The body of a new pod, for one index of an indexed job."""
    template = json.loads(json.dumps(job["spec"]["template"]))
    template_metadata = template.get("metadata", {})
    metadata = {name: dict(template_metadata.get(name, {})) for name in ("labels", "annotations")}
    spec = template["spec"]
    prefix = name_of(job)
    if index is not None:
        prefix = f"{prefix}-{index}"
        metadata["labels"][INDEX] = metadata["annotations"][INDEX] = str(index)
        spec.setdefault("hostname", prefix)
        source = {"fieldRef": {"fieldPath": f"metadata.labels['{INDEX}']"}}
        for container in (*spec["containers"], *spec.get("initContainers", ())):
            container["env"] = [*container.get("env", ()), {"name": _INDEX_VARIABLE, "valueFrom": source}]
    return {
        "metadata": {
            **{name: value for name, value in metadata.items() if value},
            "generateName": f"{prefix}-",
            "finalizers": [TRACKED],
            "ownerReferences": [reference(JOB, job)],
        },
        "spec": spec,
    }


def index_of(pod: Object) -> int | None:
    text = pod["metadata"].get("annotations", {}).get(INDEX)
    return None if text is None else int(text)


def tracked(pod: Object) -> bool:
    return TRACKED in pod["metadata"].get("finalizers", ())


def index_ranges(indexes: Iterable[int]) -> str:
    """Indexes as a status lists them: `0,2-4,7`."""
    ranges: list[list[int]] = []
    for index in sorted(indexes):
        if ranges and ranges[-1][1] == index - 1:
            ranges[-1][1] = index
        else:
            ranges.append([index, index])
    return ",".join(_range(first, last) for first, last in ranges)


def _range(first: int, last: int) -> str:
    if first == last:
        return str(first)
    return f"{first},{last}" if last == first + 1 else f"{first}-{last}"


def indexes_in(text: str) -> set[int]:
    found: set[int] = set()
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        found.update(range(int(first), int(last or first) + 1))
    return found
