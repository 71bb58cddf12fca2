"""Approvals in an S3 bucket, for wherever more than one machine plans, approves and applies.

    <prefix>/<environment>/<moment>-<id>.json     one approval
    <prefix>/<environment>/used/<id>.json         its use
    <prefix>/<environment>/done/<id>.json         that what it allows is done

Objects are only ever created, each under the condition that there is none of its name yet (`If-None-Match: *`): S3 itself
sees to it that of two runs that use an approval at the same moment one is refused. Give the bucket versions and an object
lock, and who approves no right to delete: then the log is evidence.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from pydantic import ValidationError

from ils_pipelines.errors import IlsError
from ils_pipelines.provisioning.approval_log import (
    ENTRY,
    Approval,
    ApprovalLogCorrupt,
    ApprovalTaken,
    Completion,
    Entry,
    RecordedApproval,
    Use,
)

_EXISTS = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "412", "409"})
"""What S3 answers when there is an object of that name, or another is being written at that moment."""


class ApprovalLogUnreachable(IlsError):
    """The bucket does not answer. Nothing was recorded, nothing is approved."""


class S3ApprovalLog:
    """Approvals in `bucket` below `prefix`, through `s3` (a boto3 client). Keeps the promises of `ApprovalLog`."""

    def __init__(self, s3: Any, bucket: str, prefix: str = "") -> None:
        self._s3 = s3
        self._bucket = bucket
        self._prefix = prefix.strip("/")

    @property
    def place(self) -> str:
        """Of the log, as people write it."""
        return f"s3://{self._bucket}/{self._prefix}"

    def record(self, approval: Approval) -> None:
        key = self._key(approval.environment, f"{approval.at:%Y%m%dT%H%M%S%fZ}-{approval.id}.json")
        if not self._create(key, approval):
            raise ApprovalTaken(
                f"expected no approval {approval.id} yet, found one at {self._place(key)}. Approve again."
            )

    def use(self, use: Use) -> None:
        recorded = {found.approval.id: found for found in self.of(use.environment)}
        if use.approval not in recorded:
            raise ApprovalTaken(
                f"expected approval {use.approval} of {use.environment} in {self._place(self._key(use.environment, ''))}, "
                "found none. Approve the plan."
            )
        key = self._key(use.environment, f"used/{use.approval}.json")
        if self._create(key, use):
            return
        found = self._read(key)
        if isinstance(found, Use) and found.run == use.run:
            return  # our own, whose answer was lost on the way
        by = (
            f"by run {found.run} at {found.at:%Y-%m-%d %H:%M:%S} UTC"
            if isinstance(found, Use)
            else "by another run just now"
        )
        raise ApprovalTaken(
            f"approval {use.approval} of {use.environment} was used {by}, and counts once. Plan again and have that "
            "plan approved."
        )

    def complete(self, completion: Completion) -> None:
        self._create(self._key(completion.environment, f"done/{completion.approval}.json"), completion)

    def of(self, environment: str) -> Sequence[RecordedApproval]:
        approvals: list[Approval] = []
        uses: dict[str, Use] = {}
        ends: dict[str, Completion] = {}
        for key in self._keys(self._key(environment, "")):
            entry = self._read(key)
            if isinstance(entry, Approval):
                approvals.append(entry)
            elif isinstance(entry, Use):
                uses[entry.approval] = entry
            elif isinstance(entry, Completion):
                ends[entry.approval] = entry
        # Keys begin with the moment, so that they are listed in the order of the approvals.
        return [RecordedApproval(each, uses.get(each.id), ends.get(each.id)) for each in reversed(approvals)]

    def _key(self, environment: str, name: str) -> str:
        """`name` may be empty: then the place where all of the environment is."""
        return f"{self._prefix}/{environment}/{name}" if self._prefix else f"{environment}/{name}"

    def _place(self, key: str) -> str:
        return f"s3://{self._bucket}/{key}"

    def _create(self, key: str, entry: Entry) -> bool:
        """Whether there was none of that name. Once this returns, S3 has it in several places."""
        from botocore.exceptions import ClientError

        body = entry.model_dump_json().encode()
        with self._reaching():
            try:
                self._s3.put_object(
                    Bucket=self._bucket, Key=key, Body=body, ContentType="application/json", IfNoneMatch="*"
                )
            except ClientError as error:
                if error.response["Error"]["Code"] in _EXISTS:
                    return False
                raise
        return True

    def _keys(self, prefix: str) -> list[str]:
        with self._reaching():
            pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
            return [each["Key"] for page in pages for each in page.get("Contents", ())]

    def _read(self, key: str) -> Entry | None:
        """The entry; None where there is none (any more). Raises `ApprovalLogCorrupt`."""
        from botocore.exceptions import ClientError

        with self._reaching():
            try:
                body = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
            except ClientError as error:
                if error.response["Error"]["Code"] == "NoSuchKey":
                    return None
                raise
        try:
            return ENTRY.validate_json(body)
        except ValidationError as error:
            raise ApprovalLogCorrupt(
                f"expected an approval or its use in {self._place(key)}, found something else ({error.error_count()} "
                "problems). Nothing was changed. Bring back the version of the object before; it is evidence, not mended by "
                "itself."
            ) from error

    @contextmanager
    def _reaching(self) -> Iterator[None]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            yield
        except (BotoCoreError, ClientError) as error:
            raise ApprovalLogUnreachable(
                f"expected the approvals in {self.place}, found that they cannot be read or written: {error}. "
                "Nothing was changed. These credentials need s3:ListBucket, s3:GetObject and s3:PutObject there."
            ) from error
