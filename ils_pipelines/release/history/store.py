"""The history of one environment's releases: an immutable ConfigMap for each, in the namespace of what it released.

They carry other labels than the release's own objects, so that a release never removes them, and go with the namespace.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from ils_pipelines.release.cluster import Cluster, Object
from ils_pipelines.release.errors import ReleaseError
from ils_pipelines.release.history.models import ReleaseRecord
from ils_pipelines.release.names import FIELD_MANAGER, MANAGED_BY
from ils_pipelines.release.objects import CONFIG_MAP, Ref, ref_of

HISTORY_LABEL = "ils-pipelines/history"
NUMBER_LABEL = "ils-pipelines/release"


class NoSuchRelease(ReleaseError):
    """There is no such release to look at or to go back to."""


@dataclass(frozen=True)
class KeptRelease:
    """A release and the objects it consisted of."""

    record: ReleaseRecord
    objects: tuple[Object, ...] = field(repr=False)
    ref: Ref


@dataclass(frozen=True)
class History:
    """All releases that are kept, the newest first."""

    environment: str
    releases: tuple[KeptRelease, ...]

    @property
    def records(self) -> tuple[ReleaseRecord, ...]:
        return tuple(kept.record for kept in self.releases)

    @property
    def next_number(self) -> int:
        return self.releases[0].record.number + 1 if self.releases else 1

    @property
    def last_good(self) -> KeptRelease | None:
        """The release that is to serve now."""
        return next((kept for kept in self.releases if kept.record.good), None)

    def to_go_back_to(self, number: int | None) -> KeptRelease:
        """The release of that number, or the one before the last good one. Raises `NoSuchRelease`."""
        if number is None:
            current = self.last_good
            for kept in self.releases:
                if kept.record.good and current is not None and kept.record.digest != current.record.digest:
                    return kept
            raise NoSuchRelease(
                f"expected an earlier release of {self.environment} to go back to, found {self._kept()}. Release again "
                "with the environment's file put right."
            )
        found = next((kept for kept in self.releases if kept.record.number == number), None)
        if found is None:
            raise NoSuchRelease(
                f"expected release {number} of {self.environment}, found {self._kept()}. Look at them: "
                f"ils releases {self.environment}"
            )
        if not found.record.good:
            raise NoSuchRelease(
                f"expected a release of {self.environment} that became healthy, but {number} failed: "
                f"{found.record.reason} Choose another: ils releases {self.environment}"
            )
        return found

    def _kept(self) -> str:
        numbers = [f"{kept.record.number} ({kept.record.status})" for kept in self.releases]
        return ", ".join(numbers) or "none"


def read_history(cluster: Cluster, environment: str) -> History:
    """Raises `ReleaseError` for a record that cannot be read, which is left as it is."""
    found = [_read(body) for body in cluster.find(CONFIG_MAP, {HISTORY_LABEL: environment})]
    return History(environment, tuple(sorted(found, key=lambda kept: -kept.record.number)))


def _read(body: Object) -> KeptRelease:
    ref = ref_of(CONFIG_MAP, body)
    try:
        record = ReleaseRecord.model_validate_json(body["data"]["record"])
        objects = json.loads(body["data"]["objects"])
    except (ValidationError, ValueError, KeyError) as error:
        raise ReleaseError(
            f"expected the record of a release in {ref}, found something else ({type(error).__name__}). It is left as it "
            f"is; without it that release cannot be gone back to: kubectl delete configmap -n {ref.namespace} {ref.name}"
        ) from error
    return KeptRelease(record, tuple(objects), ref)


def write_record(
    cluster: Cluster, history: History, namespace: str, record: ReleaseRecord, objects: Sequence[Object], keep: int
) -> None:
    """Keep a release, and drop the oldest beyond `keep`: never the last good one."""
    ref = Ref(CONFIG_MAP.api_version, CONFIG_MAP.kind, namespace, f"ils-release-{record.number}")
    labels = {MANAGED_BY: FIELD_MANAGER, HISTORY_LABEL: record.environment, NUMBER_LABEL: str(record.number)}
    body: dict[str, Any] = {
        "apiVersion": CONFIG_MAP.api_version,
        "kind": CONFIG_MAP.kind,
        "metadata": {"name": ref.name, "namespace": namespace, "labels": labels},
        "immutable": True,
        "data": {"record": record.model_dump_json(), "objects": json.dumps(list(objects), sort_keys=True)},
    }
    cluster.apply(ref, body, force=True)
    good = [kept for kept in history.releases if kept.record.good]
    protected = set() if record.good or not good else {good[0].ref}
    for kept in history.releases[keep - 1 :]:
        if kept.ref not in protected:
            cluster.delete(kept.ref)
