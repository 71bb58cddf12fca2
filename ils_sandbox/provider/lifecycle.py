"""Carries out the entries: create, read, update, delete and find, for any resource type.

Everything here is synchronous and works on plain values; `aws` puts it behind Pulumi's interface.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any

from ils_sandbox.provider.difference import covered, differences
from ils_sandbox.provider.errors import (
    AlreadyExists,
    AwsError,
    CreatedButFailed,
    NotReady,
    ProviderError,
    says_it_exists,
)
from ils_sandbox.provider.fields import put, select
from ils_sandbox.provider.marks import MARK, mark_of, shown
from ils_sandbox.provider.merge import derive_inputs, keep_form, overlay_all
from ils_sandbox.provider.resource import SHARED, Call, Detail, FindListed, FindMarked, Scope, Update, Wait, fill
from ils_sandbox.provider.values import Plain

_PARALLEL_DETAILS = 8


@dataclass(frozen=True)
class Found:
    """A resource as AWS describes it."""

    outputs: Plain
    inputs: Plain


def create(scope: Scope, inputs: Plain) -> tuple[str, Plain]:
    """Make the resource and wait until it can be used; its id and outputs.

    Raises `AlreadyExists` when its name is taken, `CreatedButFailed` when it is there but a later step failed.
    """
    entry = scope.type
    if entry.precheck:
        entry.precheck(scope, inputs)
    request = {**entry.codec.request(entry.inputs, inputs), **fill(entry.fixed, inputs)}
    if entry.tagging:
        tags = {**inputs.get("tags", {}), MARK: mark_of(scope.urn)}
        put(request, entry.tagging.member, entry.tagging.encode(tags))
    if entry.idempotency_member:
        put(request, entry.idempotency_member, str(uuid.uuid4()))
    try:
        if isinstance(entry.create, Call):
            described = scope.run(entry.create, inputs, request) or {}
        else:
            described = entry.create(scope, inputs, request)
    except AwsError as error:
        raise (AlreadyExists.from_refusal(error) if says_it_exists(error) else error) from None
    id_ = entry.id(scope, inputs, described) if callable(entry.id) else str(select(entry.id, described))
    try:
        if entry.after_create:
            entry.after_create(scope, id_, inputs, described)
        if entry.ready and select(entry.ready.state, described) not in entry.ready.done:
            described = _reach(scope, id_, entry.ready, inputs)
        elif entry.reread:
            described = _describe(scope, id_, inputs) or described
        described = _with_details(scope, id_, inputs, described, outputs_only=True)
    except ProviderError as error:
        raise CreatedButFailed(id_, _outputs(scope, id_, described, inputs), error) from error
    return id_, _outputs(scope, id_, described, inputs)


def read(scope: Scope, id_: str, state: Plain, inputs: Plain) -> Found | None:
    """What AWS says now. Values that mean what `state` says keep the state's form."""
    entry = scope.type
    known = {**inputs, **state}
    described = _describe(scope, id_, known)
    if described is None:
        return None
    described = _with_details(scope, id_, known, described, outputs_only=False)
    outputs = _decoded(scope, id_, described, known)
    for field in entry.all_fields:
        if not field.returned and outputs.get(field.name) is None and field.name not in SHARED:
            outputs[field.name] = known.get(field.name, field.default)
        elif field.only_if_given and field.name not in known:
            outputs.pop(field.name, None)
        else:
            outputs[field.name] = keep_form(field, outputs.get(field.name), known.get(field.name))
    outputs = {name: value for name, value in outputs.items() if value is not None}
    return Found(outputs, derive_inputs(entry.all_inputs, outputs, inputs, imported=not state and not inputs))


def update(scope: Scope, id_: str, olds: Plain, news: Plain, ignored: Sequence[str] = ()) -> Plain:
    """Change what differs, wait until it is in force, and give the outputs."""
    entry = scope.type
    changed = {d.top for d in differences(entry.all_inputs, olds, news) if not covered(d, ignored)}
    stuck = [f.name for f in entry.all_inputs if f.replace and f.name in changed]
    if stuck:
        raise ProviderError(f"{entry.name} {id_}: {', '.join(stuck)} cannot be changed in place, only by a replacement")
    if "tags" in changed:
        _retag(scope, id_, olds, olds.get("tags", {}), news.get("tags", {}))
    for step in entry.updates:
        if not (hit := changed & step.fields):
            continue
        if isinstance(step, Update):
            _run_update(scope, id_, step, hit, olds, news)
        else:
            step.change(scope, id_, olds, news)
        if entry.updated:
            _reach(scope, id_, entry.updated, {**olds, **news})
    found = read(scope, id_, {**olds, **news}, news)
    if found is None:
        raise NotReady(f"{entry.name} {id_} is gone: it was deleted by somebody else while it was updated")
    return overlay_all(entry.all_inputs, found.outputs, news)


def delete(scope: Scope, id_: str, state: Plain) -> None:
    """Delete it and wait until it is gone. That it is gone already is fine."""
    entry = scope.type
    if entry.delete is None:
        return
    try:
        if entry.before_delete:
            entry.before_delete(scope, id_, state)
        if isinstance(entry.delete, Call):
            scope.run(entry.delete, {**state, "id": id_})
        else:
            entry.delete(scope, id_, state)
    except AwsError as error:
        # Some calls name the thing inside, not the thing itself, when it is gone.
        if error.code in entry.missing or _describe(scope, id_, state) is None:
            return
        raise
    if entry.gone:
        timeout = (entry.ready or _LONG).timeout
        scope.wait(lambda: True if _describe(scope, id_, state) is None else None, f"{id_} to be gone", timeout)


def find(scope: Scope, inputs: Plain, known_ids: frozenset[str]) -> str | None:
    """The id of what an interrupted `create` may have made, or None."""
    entry = scope.type
    if isinstance(entry.find, FindMarked):
        for described in scope.run(entry.find.call, {**inputs, "marker": mark_of(scope.urn)}) or ():
            id_ = str(select(entry.find.id, described))
            alive = entry.find.alive(described) and entry.present(described)
            if alive and id_ not in known_ids and _is_marked(scope, described):
                return id_
        return None
    if isinstance(entry.find, FindListed):
        return next((id_ for id_ in entry.find.ids(scope, inputs) if id_ not in known_ids), None)
    candidate = entry.find.id(scope, inputs)
    if candidate is None or candidate in known_ids:
        return None
    described = _describe(scope, candidate, inputs)
    if described is None:
        return None
    described = _with_details(scope, candidate, inputs, described, outputs_only=False)
    if entry.tagging:
        return candidate if _is_marked(scope, described) else None
    there = _outputs(scope, candidate, described, {})
    given = tuple(f for f in entry.inputs if f.returned and f.name in inputs)
    return None if any(differences(given, there, inputs)) else candidate


def resume(scope: Scope, id_: str, inputs: Plain) -> None:
    """Finish what an interrupted `create` began, so far as an update would not: then wait until it is available."""
    entry = scope.type
    if entry.resume:
        entry.resume(scope, id_, inputs)
    if entry.ready:
        described = _describe(scope, id_, inputs)
        if described is not None and select(entry.ready.state, described) not in entry.ready.done:
            _reach(scope, id_, entry.ready, inputs)


def _is_marked(scope: Scope, described: Mapping[str, Any]) -> bool:
    """Whether it carries our tag. Servers have been seen to ignore a filter on tags."""
    tagging = scope.type.tagging
    tags = tagging.decode(select(tagging.source, described)) if tagging else {}
    return tags.get(MARK) == mark_of(scope.urn)


_LONG = Wait("", frozenset())


def _describe(scope: Scope, id_: str, known: Plain) -> Plain | None:
    entry = scope.type
    try:
        if isinstance(entry.read, Call):
            described = scope.run(entry.read, {**known, "id": id_})
        else:
            described = entry.read(scope, id_, known)
    except AwsError as error:
        if error.code in entry.missing:
            return None
        raise
    return dict(described) if described and entry.present(described) else None


def _with_details(scope: Scope, id_: str, known: Plain, described: Plain, *, outputs_only: bool) -> Plain:
    """`described` with the answers of the entry's further calls."""
    wanted = [d for d in scope.type.details if d.outputs_only or not outputs_only]
    if not wanted:
        return described
    names = {**known, **_decoded(scope, id_, described, known), "id": id_}

    def ask(detail: Detail) -> tuple[str, Any]:
        try:
            return detail.into, scope.run(detail.call, names)
        except AwsError as error:
            if error.code in detail.missing:
                return detail.into, None
            raise

    answers = map(ask, wanted) if len(wanted) == 1 else _detail_threads().map(ask, wanted)
    return {**described, **dict(answers)}


@cache
def _detail_threads() -> ThreadPoolExecutor:
    """Threads for calls that do not wait for one another. Not those that carry out the operations: these wait here."""
    return ThreadPoolExecutor(_PARALLEL_DETAILS, thread_name_prefix="aws-details")


os.register_at_fork(after_in_child=_detail_threads.cache_clear)  # threads do not survive a fork


def _decoded(scope: Scope, id_: str, described: Mapping[str, Any], known: Plain) -> Plain:
    """All outputs that the description and the id tell."""
    entry = scope.type
    outputs = entry.codec.properties(entry.all_fields, described)
    if entry.tagging:
        tags = shown(entry.tagging.decode(select(entry.tagging.source, described)))
        outputs["tags"] = tags or None
        outputs["tagsAll"] = tags
    if entry.regional:
        outputs["region"] = scope.region
    if entry.derived:
        outputs |= entry.derived(scope, id_, {**known, **{k: v for k, v in outputs.items() if v is not None}})
    return {name: value for name, value in outputs.items() if value is not None}


def _outputs(scope: Scope, id_: str, described: Mapping[str, Any], inputs: Plain) -> Plain:
    """The outputs right after a create: what was given stands as it was given."""
    outputs = overlay_all(scope.type.all_inputs, _decoded(scope, id_, described, inputs), inputs)
    if scope.type.tagging and inputs:
        outputs["tagsAll"] = dict(inputs.get("tags", {}))
        outputs.setdefault("tags", {})
        if not outputs["tags"]:
            del outputs["tags"]
    return outputs


def _reach(scope: Scope, id_: str, wait: Wait, known: Plain) -> Plain:
    def poll() -> Plain | None:
        described = _describe(scope, id_, known)
        if described is None:
            return None
        state = select(wait.state, described)
        if state in wait.failed:
            raise NotReady(f"{scope.type.name} {id_} went into the state {state}")
        return described if state in wait.done else None

    return scope.wait(poll, f"{scope.type.name} {id_} to become {' or '.join(sorted(wait.done))}", wait.timeout)


def _retag(scope: Scope, id_: str, state: Plain, old: Mapping[str, str], new: Mapping[str, str]) -> None:
    tagging = scope.type.tagging
    assert tagging is not None  # noqa: S101 only taggable types have the property
    if gone := sorted(old.keys() - new.keys()):
        tagging.untag(scope, id_, state, gone)
    if put_on := {key: value for key, value in new.items() if old.get(key) != value}:
        tagging.tag(scope, id_, state, put_on)


def _run_update(scope: Scope, id_: str, step: Update, hit: set[str], olds: Plain, news: Plain) -> None:
    """One call with the changed fields, or one each."""
    entry = scope.type
    wanted = step.fields if step.all_fields else hit
    members: Plain = {}
    for field in entry.inputs:
        if field.name not in wanted:
            continue
        value = news.get(field.name)
        if value is None and field.name in hit:
            value = field.cleared()
        if value is not None:
            encode = step.encode.get(field.name)
            member = step.members.get(field.name, entry.codec.style.member(field))
            put(members, member, encode(value) if encode else entry.codec.encode(field, value))
    names = {**olds, **news, "id": id_}
    for batch in [{k: v} for k, v in members.items()] if step.one_by_one else [members]:
        scope.run(step.call, names, batch)
