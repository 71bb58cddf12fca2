"""The bucket of backup sets: what is read from it and written to it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from pydantic import ValidationError

from ils_pipelines.operations.backup import signing
from ils_pipelines.operations.backup.details import ObjectRef, Piece, Record
from ils_pipelines.operations.backup.errors import (
    ManifestCorrupt,
    NoBackupPlace,
    NoSuchSet,
    ObjectCorrupt,
    SignatureInvalid,
)
from ils_pipelines.operations.backup.manifest import Manifest, canonical, parse_manifest
from ils_pipelines.operations.backup.places import BackupSide
from ils_pipelines.operations.backup.set_id import SetId
from ils_pipelines.operations.backup.signing import Signature

if TYPE_CHECKING:
    from ils_pipelines.targets.protocol import Target

SETS = "sets/"
RESTORABLE = "restorable/"
BEGUN = "begun.json"
MANIFEST = "manifest.json"
SIGNATURES = "signatures/"
PIECES = "pieces/"
DATA = "data/"
_CHUNK = 1024 * 1024
_MISSING = frozenset({"NoSuchKey", "NoSuchVersion", "404", "NotFound", "MethodNotAllowed", "405"})
"""405 is what S3 answers of a version that is a delete marker."""

Kind = TypeVar("Kind", bound=Record)


class Restorability(Record):
    """A drill's word on a set: it was restored from that set and verified, or was not."""

    environment: str
    set: str
    drill: str
    """Id of the drill."""
    passed: bool
    at: datetime
    manifest_sha256: str


class Begun(Record):
    """The first that is kept of a set: whatever becomes of its run, the set is known of."""

    environment: str
    set: str
    at: datetime


@dataclass(frozen=True)
class ObjectHead:
    """What is known of an object without reading it."""

    size: int
    version: str
    key_arn: str | None
    """Of the KMS key that encrypts it."""
    locked_until: datetime | None
    copying: str | None
    """What S3 says of copying it to the other region: `PENDING`, `COMPLETED`, `FAILED`; None where no rule has it copied."""


class SetBucket:
    """One of the two buckets of an environment. Raises `NoBackupPlace` wherever S3 or KMS cannot be asked."""

    def __init__(self, target: Target, side: BackupSide) -> None:
        self.environment = target.environment.name
        self.side = side
        self.s3 = target.client("s3", region=side.region)
        self._kms = target.client("kms", region=side.region)

    def sets(self) -> tuple[SetId, ...]:
        """Every set that anything is kept of, oldest first."""
        with self._reaching():
            pages = self.s3.get_paginator("list_objects_v2").paginate(
                Bucket=self.side.bucket, Prefix=SETS, Delimiter="/"
            )
            names = [each["Prefix"].split("/")[1] for page in pages for each in page.get("CommonPrefixes", ())]
        return tuple(sorted(SetId.parse(self.environment, name) for name in names))

    def manifest(self, set_id: SetId) -> Manifest:
        """The manifest, its signature verified. Raises `NoSuchSet`, `ManifestCorrupt`, `SignatureInvalid`."""
        content = self.manifest_bytes(set_id)
        signature = self.signature(set_id, content)
        with self._reaching():
            signing.verify(self._kms, self.side.signing_key_arn, str(set_id), content, signature)
        return self.unverified_manifest(set_id, content)

    def unverified_manifest(self, set_id: SetId, content: bytes | None = None) -> Manifest:
        """For looking at sets, never for restoring from them. Raises `NoSuchSet`, `ManifestCorrupt`."""
        place = self.place(set_id.prefix + MANIFEST)
        found = parse_manifest(self.manifest_bytes(set_id) if content is None else content, place)
        if (found.environment, found.set) != (set_id.environment, set_id.name):
            raise ManifestCorrupt(
                f"expected the manifest of {set_id} in {place}, found that of {found.environment}/{found.set}. "
                "Look for an earlier version of the object, or use the copy in the other region."
            )
        return found

    def manifest_bytes(self, set_id: SetId) -> bytes:
        """Raises `NoSuchSet` while the set has no manifest."""
        content = self.read(set_id.prefix + MANIFEST)
        if content is None:
            raise NoSuchSet(
                f"expected a manifest of the set {set_id} in {self.place(set_id.prefix)}, found none: there is no such set, "
                f"or it was never finished. `ils backup list {set_id.environment}` lists what there is."
            )
        return content

    def signature(self, set_id: SetId, content: bytes) -> Signature:
        """Of these bytes of the manifest. Raises `SignatureInvalid` when they were never signed."""
        key = signature_key(set_id, content)
        found = self.record(key, Signature)
        if found is None:
            raise SignatureInvalid(
                f"expected a signature of the manifest of {set_id} in {self.place(key)}, found none: the manifest is not "
                "one that was signed. Look for an earlier version of the object, or use the copy in the other region."
            )
        return found

    def write_manifest(self, manifest: Manifest) -> Signature:
        """Sign the manifest and keep it. The signature comes first: whenever this is interrupted, what there is is signed."""
        content = manifest.canonical()
        with self._reaching():
            signature = signing.sign(self._kms, self.side.signing_key_arn, str(manifest.id), content)
        self.write(signature_key(manifest.id, content), canonical(signature))
        self.write(manifest.id.prefix + MANIFEST, content)
        return signature

    def finished_pieces(self, set_id: SetId) -> dict[str, Piece]:
        """The pieces that are done, by name, whether or not the set has a manifest."""
        keys = self.keys(set_id.prefix + PIECES)
        found = (self.record(key, Piece) for key in keys)
        return {piece.name: piece for piece in found if piece is not None}

    def write_begun(self, set_id: SetId, at: datetime) -> None:
        self.write(set_id.prefix + BEGUN, canonical(Begun(environment=set_id.environment, set=set_id.name, at=at)))

    def write_piece(self, set_id: SetId, piece: Piece) -> None:
        self.write(f"{set_id.prefix}{PIECES}{piece.name}.json", canonical(piece))

    def restorabilities(self) -> tuple[Restorability, ...]:
        """What drills found, oldest first."""
        found = [self.record(key, Restorability) for key in self.keys(RESTORABLE)]
        return tuple(sorted((each for each in found if each is not None), key=lambda each: each.at))

    def write_restorability(self, found: Restorability) -> None:
        self.write(f"{RESTORABLE}{found.set}/{found.drill}.json", canonical(found))

    def head(self, ref: ObjectRef) -> ObjectHead | None:
        """None when that version is not there (any more). In the other region's bucket: the copy of it."""
        return self._head(Key=ref.key, VersionId=ref.version)

    def newest_head(self, key: str) -> ObjectHead | None:
        """Of the newest version."""
        return self._head(Key=key)

    def _head(self, **which: str) -> ObjectHead | None:
        from botocore.exceptions import ClientError

        with self._reaching():
            try:
                found = self.s3.head_object(Bucket=self.side.bucket, **which)
            except ClientError as error:
                if error.response["Error"]["Code"] in _MISSING:
                    return None
                raise
        return ObjectHead(
            found["ContentLength"],
            found.get("VersionId", ""),
            found.get("SSEKMSKeyId"),
            found.get("ObjectLockRetainUntilDate"),
            found.get("ReplicationStatus"),
        )

    def chunks(self, ref: ObjectRef) -> Iterator[bytes]:
        """The content of one version, in pieces of a megabyte. Raises `NoSuchSet` when it is not there, `ObjectCorrupt`."""
        from botocore.exceptions import ClientError, FlexibleChecksumError

        with self._reaching():
            try:
                body = self.s3.get_object(Bucket=self.side.bucket, Key=ref.key, VersionId=ref.version)["Body"]
            except ClientError as error:
                if error.response["Error"]["Code"] in _MISSING:
                    raise NoSuchSet(
                        f"expected version {ref.version} of {self.place(ref.key)}, found none. Use the copy in the other "
                        "region, or another set."
                    ) from None
                raise
            try:
                yield from body.iter_chunks(_CHUNK)
            except FlexibleChecksumError as error:
                raise ObjectCorrupt(
                    f"expected version {ref.version} of {self.place(ref.key)} as it was uploaded, found that its checksum "
                    "does not hold. Use the copy in the other region, or another set."
                ) from error

    def sha256(self, ref: ObjectRef) -> str:
        """Of the content, read in a stream."""
        digest = hashlib.sha256()
        for chunk in self.chunks(ref):
            digest.update(chunk)
        return digest.hexdigest()

    def record(self, key: str, kind: type[Kind]) -> Kind | None:
        """A small JSON object; None when there is none. Raises `ManifestCorrupt` when it is something else."""
        content = self.read(key)
        if content is None:
            return None
        try:
            return kind.model_validate_json(content)
        except ValidationError as error:
            raise ManifestCorrupt(
                f"expected a {kind.__name__} in {self.place(key)}, found something else ({error.error_count()} problems). "
                "Look for an earlier version of the object, or use the copy in the other region."
            ) from error

    def read(self, key: str) -> bytes | None:
        """The newest version of a small object; None when there is none."""
        from botocore.exceptions import ClientError

        with self._reaching():
            try:
                content: bytes = self.s3.get_object(Bucket=self.side.bucket, Key=key)["Body"].read()
            except ClientError as error:
                if error.response["Error"]["Code"] in _MISSING:
                    return None
                raise
        return content

    def write(self, key: str, content: bytes) -> ObjectRef:
        """Keep a small object. Encryption and lock are the bucket's own; the checksum that a lock asks for is botocore's."""
        with self._reaching():
            answer = self.s3.put_object(Bucket=self.side.bucket, Key=key, Body=content)
        return ObjectRef(bucket=self.side.bucket, key=key, version=answer["VersionId"])

    def keys(self, prefix: str) -> tuple[str, ...]:
        with self._reaching():
            pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.side.bucket, Prefix=prefix)
            return tuple(each["Key"] for page in pages for each in page.get("Contents", ()))

    def newest_versions(self, prefix: str) -> dict[str, str]:
        """Key and version of what somebody who names no version gets; what was deleted is not there."""
        with self._reaching():
            pages = self.s3.get_paginator("list_object_versions").paginate(Bucket=self.side.bucket, Prefix=prefix)
            return {
                each["Key"]: each["VersionId"]
                for page in pages
                for each in page.get("Versions", ())
                if each["IsLatest"]
            }

    def has_version(self, key: str) -> bool:
        """Whether any version of the object is there, also where it was deleted without naming one."""
        with self._reaching():
            pages = self.s3.get_paginator("list_object_versions").paginate(Bucket=self.side.bucket, Prefix=key)
            return any(each["Key"] == key for page in pages for each in page.get("Versions", ()))

    def place(self, key: str) -> str:
        """As people write it."""
        return f"s3://{self.side.bucket}/{key}"

    @contextmanager
    def _reaching(self) -> Iterator[None]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            yield
        except (BotoCoreError, ClientError) as error:
            raise NoBackupPlace(
                f"expected the backups of {self.environment} in s3://{self.side.bucket} ({self.side.region}), found that "
                f"they cannot be reached: {error}. Check that these credentials may use the bucket and its keys."
            ) from error


def signature_key(set_id: SetId, content: bytes) -> str:
    return f"{set_id.prefix}{SIGNATURES}{hashlib.sha256(content).hexdigest()}.json"
