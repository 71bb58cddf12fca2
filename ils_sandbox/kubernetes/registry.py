"""Every write to a cluster: create, update, patch, apply and delete, with what an API server does around them."""

from __future__ import annotations

import json
import secrets
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from ils_sandbox.kubernetes import clock, custom_kinds, ownership, patches, statuses
from ils_sandbox.kubernetes.admission import admit, check_admission
from ils_sandbox.kubernetes.decoding import Unknown, decode
from ils_sandbox.kubernetes.defaults import apply_defaults
from ils_sandbox.kubernetes.kinds import JOB, NAMESPACE, POD, STATUS, Kind
from ils_sandbox.kubernetes.ownership import Manager, Managers
from ils_sandbox.kubernetes.schema import Schema, definitions
from ils_sandbox.kubernetes.store import Cluster, Object, name_of, namespace_of
from ils_sandbox.kubernetes.validation import validate

CONTROLLER = "kube-controller-manager"
ORPHAN = "orphan"
FOREGROUND = "foregroundDeletion"
_SUFFIX_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
"""No vowels and no look-alikes, as Kubernetes makes name suffixes."""
_PERMANENT_NAMESPACES = frozenset({"default", "kube-system", "kube-public"})
_SERVER_METADATA = ("uid", "creationTimestamp", "generation", "deletionTimestamp", "deletionGracePeriodSeconds")


def suffix(length: int = 5) -> str:
    return "".join(secrets.choice(_SUFFIX_ALPHABET) for _ in range(length))


@dataclass
class Write:
    """Options of one write. `warnings` collects what the server has to say about it without refusing it."""

    manager: str = CONTROLLER
    dry_run: bool = False
    force: bool = False
    field_validation: str = "Warn"
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Deletion:
    """The body of a delete request."""

    propagation: str | None = None
    grace_seconds: int | None = None
    uid: str | None = None
    resource_version: str | None = None
    dry_run: bool = False


class Registry:
    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster

    def schema(self, kind: Kind) -> Schema:
        if kind.custom:
            return custom_kinds.schema_of(self.cluster, kind)
        return definitions(self.cluster.version).named(kind.definition)

    def get(self, kind: Kind, namespace: str, name: str) -> Object:
        found = self.cluster.get(kind, namespace, name)
        if found is None:
            raise statuses.not_found(kind, name)
        return found

    # -- create ---------------------------------------------------------------------------------------------------

    def create(self, kind: Kind, namespace: str, obj: Object, write: Write) -> Object:
        obj = self._decode(kind, obj, write)
        metadata = obj["metadata"]
        if metadata.get("resourceVersion"):
            raise statuses.bad_request("resourceVersion should not be set on objects to be created")
        if not metadata.get("name") and metadata.get("generateName"):
            metadata["name"] = metadata["generateName"] + suffix()
        managers = ownership.updated
        return self._insert(
            kind,
            namespace,
            obj,
            write,
            lambda new: managers(self.schema(kind), {}, new, self._updater(kind, write)),
        )

    def _insert(
        self, kind: Kind, namespace: str, obj: Object, write: Write, managers: Callable[[Object], Managers]
    ) -> Object:
        _place(kind, namespace, obj)
        if kind.has(STATUS):
            obj.pop("status", None)
        apply_defaults(self.schema(kind), obj)
        metadata = obj["metadata"]
        for name in (*_SERVER_METADATA, "managedFields"):
            metadata.pop(name, None)
        metadata |= {"uid": str(uuid.uuid4()), "creationTimestamp": clock.now()}
        if kind.counts_generations:
            metadata["generation"] = 1
        asked = _copy({name: value for name, value in obj.items() if name != "status"})
        admit(self.cluster, kind, obj)  # what it adds is nobody's
        validate(kind, self.schema(kind), obj)
        check_admission(self.cluster, kind, obj)
        if self.cluster.get(kind, namespace_of(obj), metadata["name"]) is not None:
            raise statuses.already_exists(kind, metadata["name"])
        ownership.write_managers(obj, managers(asked), {}, clock.now(), None)
        return obj if write.dry_run else self.cluster.put(kind, obj)

    # -- change ---------------------------------------------------------------------------------------------------

    def update(self, kind: Kind, namespace: str, name: str, obj: Object, write: Write, subresource: str = "") -> Object:
        live = self.get(kind, namespace, name)
        return self._change(kind, live, self._decode(kind, obj, write), write, subresource)

    def patch(
        self, kind: Kind, namespace: str, name: str, media_type: str, patch: Any, write: Write, subresource: str = ""
    ) -> Object:
        live = self.get(kind, namespace, name)
        new = patches.patched(media_type, kind, self.schema(kind), live, patch)
        return self._change(kind, live, self._decode(kind, new, write), write, subresource)

    def apply(
        self, kind: Kind, namespace: str, name: str, config: Object, write: Write, subresource: str = ""
    ) -> tuple[Object, bool]:
        """Server-side apply. Returns the object and whether it was created."""
        config = _copy(config)
        if not isinstance(config, dict) or not isinstance(config.setdefault("metadata", {}), dict):
            raise statuses.bad_request("an apply patch is an object with metadata")
        if not config["metadata"].get("name"):
            raise statuses.bad_request(
                f"the name of the object ({name} based on URL) was undeterminable: name must be provided"
            )
        if config["metadata"]["name"] != name:
            raise statuses.bad_request(
                f"the name of the object ({config['metadata']['name']}) does not match the name on the URL ({name})"
            )
        unknown = Unknown()
        decode(kind, self.schema(kind), _typed(kind, config), unknown)
        if unknown.fields:
            raise statuses.bad_request(
                f"failed to create typed patch object ({namespace}/{name}; {kind.api_version}, Kind={kind.kind}): "
                + "; ".join(f".{path}: field not declared in schema" for path in unknown.fields)
            )
        if kind.has(STATUS):  # each endpoint ignores, and does not own, what the other one is for
            kept = {"status", "metadata"} if subresource == STATUS else config.keys() - {"status"}
            config = {key: value for key, value in config.items() if key in kept} | _typed(kind, {})
        live = self.cluster.get(kind, namespace, name)
        actor = Manager(write.manager, ownership.APPLY, kind.api_version, subresource)
        if live is None:
            if subresource:
                raise statuses.not_found(kind, name)
            _place(kind, namespace, config)
            new, managers = ownership.applied(self.schema(kind), {}, config, actor, force=write.force)
            return self._insert(kind, namespace, self._decode(kind, new, write), write, lambda _: managers), True
        _check_version(kind, live, config)
        new, managers = ownership.applied(self.schema(kind), live, config, actor, force=write.force)
        new["metadata"].pop("resourceVersion", None)
        return self._change(kind, live, self._decode(kind, new, write), write, subresource, managers), False

    def set_status(self, kind: Kind, live: Object, status: Mapping[str, Any]) -> Object:
        """A controller's write to the status; nothing is stored when nothing changes."""
        if live.get("status") == status:
            return live
        return self._change(kind, live, self._decode(kind, {**live, "status": status}, Write()), Write(), STATUS)

    def change(self, kind: Kind, live: Object, changes: Mapping[str, Any], subresource: str = "") -> Object:
        """A controller's write: a merge patch."""
        new = patches.merge_patch(live, dict(changes))
        return self._change(kind, live, self._decode(kind, new, Write()), Write(), subresource)

    def _change(
        self,
        kind: Kind,
        live: Object,
        new: Object,
        write: Write,
        subresource: str,
        managers: Managers | None = None,
    ) -> Object:
        _check_version(kind, live, new)
        _keep_identity(kind, live, new)
        _check_finalizers(kind, live, new)
        if kind.has(STATUS):
            new = _only(subresource, live, new)
        schema = self.schema(kind)
        apply_defaults(schema, new)
        validate(kind, schema, new, live)
        if managers is None:
            managers = ownership.updated(schema, live, new, self._updater(kind, write, subresource))
        generation = _generation(kind, live, new)
        if generation is not None:
            new["metadata"]["generation"] = generation
        same = _without_managers(live) == _without_managers(new)
        if same and managers == ownership.managers_of(live):
            return live
        actor = None if same else self._updater(kind, write, subresource)
        ownership.write_managers(new, managers, live, clock.now(), actor)
        if write.dry_run:
            return new
        if "deletionTimestamp" in new["metadata"] and not _finalizers(kind, new) and kind is not POD:
            return self.cluster.remove(kind, new)
        return self.cluster.put(kind, new)

    # -- delete ---------------------------------------------------------------------------------------------------

    def delete(self, kind: Kind, namespace: str, name: str, deletion: Deletion) -> tuple[Object, bool]:
        """Delete, or mark as being deleted. Returns the last state and whether the object is gone."""
        live = self.get(kind, namespace, name)
        _check_preconditions(kind, live, deletion)
        if kind is NAMESPACE and name in _PERMANENT_NAMESPACES:
            raise statuses.forbidden(kind, name, "this namespace may not be deleted")
        finalizers = list(live["metadata"].get("finalizers", ()))
        propagation = deletion.propagation or ("Orphan" if kind is JOB else "Background")
        if propagation == "Orphan" and ORPHAN not in finalizers:
            finalizers.append(ORPHAN)
        if propagation == "Foreground" and FOREGROUND not in finalizers:
            finalizers.append(FOREGROUND)
        grace = _grace_seconds(kind, live, deletion)
        if not finalizers and kind is not NAMESPACE and grace == 0:
            return (live if deletion.dry_run else self.cluster.remove(kind, live)), True
        if "deletionTimestamp" in live["metadata"] and finalizers == live["metadata"].get("finalizers", []):
            return live, False
        metadata: Object = {
            **live["metadata"],
            "deletionTimestamp": clock.after(timedelta(seconds=grace)),
            "deletionGracePeriodSeconds": grace,
        }
        if finalizers:
            metadata["finalizers"] = finalizers
        if "generation" in metadata:
            metadata["generation"] += 1
        new = {**live, "metadata": metadata}
        if kind is NAMESPACE:
            new["status"] = {**live.get("status", {}), "phase": "Terminating"}
        return (new if deletion.dry_run else self.cluster.put(kind, new)), False

    # -- shared ---------------------------------------------------------------------------------------------------

    def _updater(self, kind: Kind, write: Write, subresource: str = "") -> Manager:
        return Manager(write.manager, ownership.UPDATE, kind.api_version, subresource)

    def _decode(self, kind: Kind, obj: Object, write: Write) -> Object:
        """The object as the server keeps it. Unknown fields are refused, warned about or ignored, as asked."""
        if not isinstance(obj, dict) or not isinstance(obj.get("metadata", {}), dict):
            raise statuses.bad_request("the request body is not an object with metadata")
        unknown = Unknown()
        if kind.custom:
            obj = custom_kinds.completed(self.cluster, kind, _typed(kind, obj))
        decoded = decode(kind, self.schema(kind), _typed(kind, obj), unknown)
        decoded.setdefault("metadata", {})
        if unknown.fields and write.field_validation == "Strict":
            raise statuses.bad_request(unknown.strict_error(kind))
        if unknown.fields and write.field_validation == "Warn":
            write.warnings.extend(f'unknown field "{path}"' for path in unknown.fields)
        return decoded


def _copy(obj: Object) -> Object:
    copied: Object = json.loads(json.dumps(obj))
    return copied


def _typed(kind: Kind, obj: Object) -> Object:
    """`obj` with its kind, which a request may leave out. Raises a 400 when it names another one."""
    for name, expected in (("apiVersion", kind.api_version), ("kind", kind.kind)):
        found = obj.get(name) or expected
        if found != expected:
            what = "API version" if name == "apiVersion" else "kind"
            raise statuses.bad_request(
                f"the {what} in the data ({found}) does not match the expected {what} ({expected})"
            )
    return {**obj, "apiVersion": kind.api_version, "kind": kind.kind}


def _place(kind: Kind, namespace: str, obj: Object) -> None:
    """Put the namespace of the request on the object, in place. Raises a 400 when it names another one."""
    given = obj["metadata"].get("namespace", "")
    if given and given != namespace and kind.namespaced:
        raise statuses.bad_request(
            f"the namespace of the provided object ({given}) does not match "
            f"the namespace sent on the request ({namespace})"
        )
    if kind.namespaced:
        obj["metadata"]["namespace"] = namespace
    else:
        obj["metadata"].pop("namespace", None)


def _check_version(kind: Kind, live: Object, new: Object) -> None:
    version = new["metadata"].get("resourceVersion")
    if version and version != live["metadata"]["resourceVersion"]:
        raise statuses.stale(kind, name_of(live))


def _check_preconditions(kind: Kind, live: Object, deletion: Deletion) -> None:
    for label, wanted, found in (
        ("UID", deletion.uid, live["metadata"]["uid"]),
        ("ResourceVersion", deletion.resource_version, live["metadata"]["resourceVersion"]),
    ):
        if wanted and wanted != found:
            why = f"Precondition failed: {label} in precondition: {wanted}, {label} in object meta: {found}"
            raise statuses.conflict(kind, name_of(live), why)


def _keep_identity(kind: Kind, live: Object, new: Object) -> None:
    """Put back, in place, what no request may change. Raises a 400 or 409 for another name or uid."""
    metadata, before = new["metadata"], live["metadata"]
    if metadata.setdefault("name", before["name"]) != before["name"]:
        raise statuses.bad_request(
            f"the name of the object ({metadata['name']}) does not match the name on the URL ({before['name']})"
        )
    _place(kind, namespace_of(live), new)
    if metadata.get("uid", before["uid"]) != before["uid"]:
        why = f"Precondition failed: UID in precondition: {metadata['uid']}, UID in object meta: {before['uid']}"
        raise statuses.conflict(kind, before["name"], why)
    metadata["resourceVersion"] = before["resourceVersion"]
    for name in _SERVER_METADATA:
        if name in before:
            metadata[name] = before[name]
        else:
            metadata.pop(name, None)


def _check_finalizers(kind: Kind, live: Object, new: Object) -> None:
    """What is being deleted can be held by nobody who has not held it before."""
    before = live["metadata"].get("finalizers", ())
    added = [each for each in new["metadata"].get("finalizers") or () if each not in before]
    if "deletionTimestamp" in live["metadata"] and added:
        shown = ", ".join(f'"{each}"' for each in added)
        why = (
            "Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers "
            f"[]string{{{shown}}}"
        )
        cause = statuses.Cause("metadata.finalizers", "FieldValueForbidden", why)
        raise statuses.invalid(kind, name_of(live), [cause])


def _only(subresource: str, live: Object, new: Object) -> Object:
    """The part of `new` that the endpoint may write: the status endpoint the status, the main one everything else."""
    if subresource == STATUS:
        return {**live, "metadata": {**live["metadata"]}, "status": new.get("status", {})}
    if "status" in live:
        return {**new, "status": live["status"]}
    return {name: value for name, value in new.items() if name != "status"}


def _generation(kind: Kind, live: Object, new: Object) -> int | None:
    if not kind.counts_generations:
        return None
    changed = any(live.get(name) != new.get(name) for name in (live.keys() | new.keys()) - {"metadata", "status"})
    return int(live["metadata"].get("generation", 0)) + changed


def _without_managers(obj: Object) -> Object:
    return {**obj, "metadata": {key: value for key, value in obj["metadata"].items() if key != "managedFields"}}


def _finalizers(kind: Kind, obj: Object) -> bool:
    return bool(obj["metadata"].get("finalizers") or (kind is NAMESPACE and obj.get("spec", {}).get("finalizers")))


def _grace_seconds(kind: Kind, live: Object, deletion: Deletion) -> int:
    """Only pods stop gracefully, and only those that a node runs."""
    finished = live.get("status", {}).get("phase") in ("Succeeded", "Failed")
    if kind is not POD or finished or not live["spec"].get("nodeName"):
        return 0
    if deletion.grace_seconds is not None:
        return max(0, deletion.grace_seconds)
    return int(live["spec"].get("terminationGracePeriodSeconds", 30))
