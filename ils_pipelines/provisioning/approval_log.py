"""Approvals and their use, kept as evidence: what was approved, by whom, when, why, which run used it, and, for what may be
taken up again, whether it came to its end.

Entries are only ever added. One machine keeps them in a file of JSON lines, several in a bucket (`approval_bucket`). Both
implement `ApprovalLog`, whose promise is that an approval is used once, however many runs ask for it at the same moment.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Protocol

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from ils_pipelines.engine.models import Plan
from ils_pipelines.errors import IlsError
from ils_pipelines.provisioning.code_version import CodeVersion

FILE = "approvals.jsonl"


class ApprovalLogCorrupt(IlsError):
    """A line of the log cannot be read. The log is left as it is and nothing is approved by it."""


class ApprovalTaken(IlsError):
    """The approval was used by another run in the meantime, or was never recorded."""


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Approval(_Entry):
    """Somebody's word that exactly this may be done to an environment, once."""

    kind: Literal["approved"] = "approved"
    id: str
    environment: str
    digest: str
    """Of the environment's whole plan, in hex."""
    code: CodeVersion
    by: str
    """As somebody typed it."""
    identity: str | None = None
    """ARN of who approved, as AWS has it; None in entries of before it was kept."""
    reason: str
    at: AwareDatetime
    expires: AwareDatetime
    plans: tuple[Plan, ...]
    """What was approved, secrets masked: the plans of all layers."""


class Use(_Entry):
    """That a run began to carry out what an approval allows."""

    kind: Literal["used"] = "used"
    approval: str
    environment: str
    run: str
    at: AwareDatetime


class Completion(_Entry):
    """That what an approval allows has been carried out to the end; only of restores, which the same command finishes."""

    kind: Literal["completed"] = "completed"
    approval: str
    environment: str
    run: str
    """Which finished it."""
    at: AwareDatetime


Entry = Approval | Use | Completion
ENTRY = TypeAdapter[Entry](Annotated[Entry, Field(discriminator="kind")])


@dataclass(frozen=True)
class RecordedApproval:
    """An approval with its use and its completion, if there have been any."""

    approval: Approval
    use: Use | None
    completion: Completion | None = None


class ApprovalLog(Protocol):
    """Where approvals are kept. May be used from several processes at once."""

    def record(self, approval: Approval) -> None:
        """Keep an approval. Once this returns, it is safe from a crash."""

    def use(self, use: Use) -> None:
        """Mark an approval used; said twice by one run, it is said once.

        Raises `ApprovalTaken`, marking nothing, when another run used it or it is not there.
        """

    def complete(self, completion: Completion) -> None:
        """Keep that what was approved is done. Said twice, it is said once."""

    def of(self, environment: str) -> Sequence[RecordedApproval]:
        """The environment's approvals, the newest first."""


class FileApprovalLog:
    """A file of JSON lines in `directory`, for one machine. Raises `ApprovalLogCorrupt` for a line it cannot read."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / FILE

    @property
    def path(self) -> Path:
        return self._path

    def record(self, approval: Approval) -> None:
        with self._locked():
            self._entries()  # nothing is added to a log that cannot be read
            self._append(approval)

    def use(self, use: Use) -> None:
        with self._locked():
            found = next(iter(self._of(use)), None)
            if found is None:
                raise ApprovalTaken(
                    f"expected approval {use.approval} of {use.environment} in {self._path}, found none. Approve the plan."
                )
            if found.use is not None:
                if found.use.run == use.run:
                    return
                raise ApprovalTaken(
                    f"approval {use.approval} of {use.environment} was used by run {found.use.run} at "
                    f"{found.use.at:%Y-%m-%d %H:%M:%S} UTC, and counts once. Plan again and have that plan approved."
                )
            self._append(use)

    def complete(self, completion: Completion) -> None:
        with self._locked():
            if not any(found.completion for found in self._of(completion)):
                self._append(completion)

    def _of(self, entry: Use | Completion) -> list[RecordedApproval]:
        return [found for found in self.of(entry.environment) if found.approval.id == entry.approval]

    def of(self, environment: str) -> Sequence[RecordedApproval]:
        entries = [entry for entry in self._entries() if entry.environment == environment]
        uses = {entry.approval: entry for entry in entries if isinstance(entry, Use)}
        ends = {entry.approval: entry for entry in entries if isinstance(entry, Completion)}
        approvals = [entry for entry in entries if isinstance(entry, Approval)]
        return [RecordedApproval(each, uses.get(each.id), ends.get(each.id)) for each in reversed(approvals)]

    def _entries(self) -> list[Entry]:
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return []
        entries = []
        # What stands after the last newline was being written when its writer died: nobody was told that it is kept.
        for number, line in enumerate(content.split(b"\n")[:-1], start=1):
            try:
                entries.append(ENTRY.validate_json(line))
            except ValidationError as error:
                raise ApprovalLogCorrupt(
                    f"expected an approval or its use in line {number} of {self._path}, found something else "
                    f"({error.error_count()} problems). Nothing was changed. Restore the file from a backup; it is "
                    "evidence and is not mended by itself."
                ) from error
        return entries

    def _append(self, entry: Entry) -> None:
        """Write one line and have it on the disk before returning."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "r+b") as file:
            content = file.read()
            file.seek(content.rfind(b"\n") + 1)
            file.truncate()  # only what a writer that died left unfinished
            file.write(entry.model_dump_json().encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        directory = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Exclude every other writer, in this process or another; the system lets go however the process ends."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.with_suffix(".lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
