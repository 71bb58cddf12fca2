"""A stream of unknown length put into a bucket: part by part, with memory for two parts however long it is."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from ils_pipelines.operations.backup.details import ObjectRef

FIRST_PART = 8 * 1024 * 1024
LARGEST_PART = 256 * 1024 * 1024
PARTS_OF_A_SIZE = 1000
"""S3 takes 10,000 parts: those after each thousand are twice as large, which is enough for 1.5 TB."""


@dataclass(frozen=True)
class Uploaded:
    ref: ObjectRef
    size: int
    sha256: str


def part_size(number: int) -> int:
    """Bytes of a part, counted from one."""
    return min(FIRST_PART << ((number - 1) // PARTS_OF_A_SIZE), LARGEST_PART)


def upload(s3: Any, bucket: str, key: str, chunks: Iterable[bytes], *, tagging: str = "") -> Uploaded:
    """Raises what `chunks` raises, and botocore's ClientError; nothing is left of the upload then.

    `tagging` gives the object tags, as a query string.
    """
    target = {"Bucket": bucket, "Key": key}
    # S3 compares every part with its checksum when it takes it; a bucket with an object lock insists on one.
    tags = {"Tagging": tagging} if tagging else {}
    upload_id = s3.create_multipart_upload(**target, **tags, ChecksumAlgorithm="CRC32")["UploadId"]
    digest, size = hashlib.sha256(), 0
    done: list[dict[str, Any]] = []

    def send(number: int, body: bytes) -> dict[str, Any]:
        answer = s3.upload_part(**target, UploadId=upload_id, PartNumber=number, Body=body, ChecksumAlgorithm="CRC32")
        part = {"PartNumber": number, "ETag": answer["ETag"]}
        return part | ({"ChecksumCRC32": answer["ChecksumCRC32"]} if "ChecksumCRC32" in answer else {})

    try:
        with ThreadPoolExecutor(1, thread_name_prefix="upload") as pool:
            sending: Future[dict[str, Any]] | None = None
            for number, part in enumerate(_parts(chunks), start=1):
                if sending is not None:
                    done.append(sending.result())
                digest.update(part)
                size += len(part)
                sending = pool.submit(send, number, part)
            if sending is not None:
                done.append(sending.result())
        answer = s3.complete_multipart_upload(**target, UploadId=upload_id, MultipartUpload={"Parts": done})
    except BaseException:
        with suppress(Exception):  # the bucket's lifecycle ends what cannot be ended now
            s3.abort_multipart_upload(**target, UploadId=upload_id)
        raise
    return Uploaded(ObjectRef(bucket=bucket, key=key, version=answer.get("VersionId", "")), size, digest.hexdigest())


def _parts(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in parts; one empty part when there are none."""
    waiting = bytearray()
    number = 1
    for chunk in chunks:
        waiting += chunk
        while len(waiting) >= part_size(number):
            size = part_size(number)
            yield bytes(waiting[:size])
            del waiting[:size]
            number += 1
    if waiting or number == 1:
        yield bytes(waiting)
