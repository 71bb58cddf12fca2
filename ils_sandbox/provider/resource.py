"""What an entry says about a resource type. Entries are data; `lifecycle` carries them out.

Parameters of calls are templates: a string `$id` or `$vpcId` in them stands for the resource's id or one of its
properties (JMESPath; whole value, any kind); a call whose template names a property that has no value leaves that member out.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Any, TypeVar

from ils_sandbox.provider.clients import Clients
from ils_sandbox.provider.errors import AwsError, NotReady
from ils_sandbox.provider.fields import Codec, Field, MemberStyle, mapping, select, text
from ils_sandbox.provider.values import Plain

_FIRST_PAUSE_SECONDS = 0.02
_LONGEST_PAUSE_SECONDS = 1.0

T = TypeVar("T")


SHARED = frozenset({"tags", "region"})
TAGS = mapping("tags", sent=False, returned=False)
REGION = text("region", sent=False, returned=False, computed=True, replace=True)


@dataclass(frozen=True)
class Call:
    """One AWS call: its operation as boto3 spells it, its parameters, and what of the answer counts (JMESPath)."""

    operation: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    result: str = ""


@dataclass(frozen=True)
class Detail:
    """A further call that a complete description needs; its result is added to the description as `into`."""

    into: str
    call: Call
    outputs_only: bool = False
    """Needed for outputs, so made after a create too; others only bring back what was given, for reads."""
    missing: frozenset[str] = frozenset()
    """Error codes that say there is no such thing: the member stays away."""


@dataclass(frozen=True)
class Wait:
    """A state the resource reaches some time after the call that asked for it."""

    state: str
    """JMESPath into the description."""
    done: frozenset[str]
    failed: frozenset[str] = frozenset()
    timeout: timedelta = timedelta(minutes=10)


@dataclass(frozen=True)
class Update:
    """A call that changes some fields of a resource in place."""

    fields: frozenset[str]
    call: Call
    one_by_one: bool = False
    """The call takes one field at a time."""
    all_fields: bool = False
    """The call wants the values of all its fields, not just of the changed ones."""
    members: Mapping[str, str] = field(default_factory=dict)
    """Request members by field name, where they are not those of the creating call."""
    encode: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)
    """Conversions by field name, likewise."""


@dataclass(frozen=True)
class Custom:
    """Some fields changed in place by code."""

    fields: frozenset[str]
    change: Callable[[Scope, str, Plain, Plain], None]
    """Called with the id, the old properties and the new ones."""


@dataclass(frozen=True)
class Tagging:
    """How a service takes and gives tags."""

    member: str
    """Member of the creating request."""
    encode: Callable[[Mapping[str, str]], Any]
    source: str
    """JMESPath of the tags in the description."""
    decode: Callable[[Any], dict[str, str]]
    tag: Callable[[Scope, str, Plain, Mapping[str, str]], None]
    untag: Callable[[Scope, str, Plain, list[str]], None]


@dataclass(frozen=True)
class AutoName:
    """A name made up from the resource's when the program gives none."""

    property: str = "name"
    prefix_property: str = ""
    prefix: str = ""
    longest: int = 64
    lower: bool = False


@dataclass(frozen=True)
class FindMarked:
    """Find what an interrupted create made by the tag it wrote: `call` filters on `$marker`."""

    call: Call
    """Its result is a list of descriptions."""
    id: str
    alive: Callable[[Mapping[str, Any]], bool] = lambda _described: True


@dataclass(frozen=True)
class FindNamed:
    """Find it by its id, which the inputs tell; it is ours when it carries our tag or, untagged, equals the inputs."""

    id: Callable[[Scope, Plain], str | None]


@dataclass(frozen=True)
class FindListed:
    """Find it by a search that gives the ids of everything that could be it."""

    ids: Callable[[Scope, Plain], Iterable[str]]


@dataclass(frozen=True, kw_only=True)
class ResourceType:
    """One resource type of Pulumi's AWS provider.

    The calls are made in this order. Create: `precheck`, `create` (with the tags and the mark), `after_create`,
    `ready`, `details`. Read: `read`, `details`. Update: tags, `updates` in their order, `updated`, a read. Delete:
    `before_delete`, `delete`, `gone`.
    """

    name: str
    """Pulumi's token, e.g. `aws:ec2/vpc:Vpc`."""
    service: str
    inputs: tuple[Field, ...]
    outputs: tuple[Field, ...] = ()
    style: MemberStyle = MemberStyle.PASCAL
    naming: AutoName | None = None
    tagging: Tagging | None = None
    regional: bool = True
    precheck: Callable[[Scope, Plain], None] | None = None
    create: Call | Callable[[Scope, Plain, Plain], Plain]
    """A call, or code that gets the request made from the table and the inputs, and gives the description."""
    id: str | Callable[[Scope, Plain, Plain], str]
    """JMESPath into the description that `create` gives, or code that gets the inputs and it."""
    fixed: Mapping[str, Any] = field(default_factory=dict)
    """Further members of the creating request."""
    idempotency_member: str = ""
    """Takes a token that makes repeating the call safe, where AWS has one."""
    resume: Callable[[Scope, str, Plain], None] | None = None
    """What `after_create` does that no diff would ask for, in a form that may be repeated: after an interruption nobody
    knows how far it came."""
    after_create: Callable[[Scope, str, Plain, Plain], None] | None = None
    reread: bool = False
    """The creating call's answer lacks outputs: read the resource once it is there."""
    ready: Wait | None = None
    read: Call | Callable[[Scope, str, Plain], Plain | None]
    """A call, or code that gets the id and the state. None when it is not there."""
    missing: frozenset[str]
    """Error codes that say the resource does not exist."""
    present: Callable[[Mapping[str, Any]], bool] = lambda _described: True
    details: tuple[Detail, ...] = ()
    derived: Callable[[Scope, str, Plain], Plain] | None = None
    """Outputs that follow from the id and the other properties."""
    updates: tuple[Update | Custom, ...] = ()
    updated: Wait | None = None
    """After each step of an update."""
    before_delete: Callable[[Scope, str, Plain], None] | None = None
    delete: Call | Callable[[Scope, str, Plain], None] | None
    gone: bool = False
    """Deleting takes time: wait until it is gone."""
    find: FindMarked | FindNamed | FindListed
    validate: Callable[[Plain], Iterable[tuple[str, str]]] = lambda _inputs: ()
    """Further problems of the inputs: property and reason."""
    delete_before_replace: bool = False

    @property
    def codec(self) -> Codec:
        return Codec(self.style)

    @cached_property
    def all_inputs(self) -> tuple[Field, ...]:
        """The table's inputs and those that most types share."""
        return (*self.inputs, *((TAGS,) if self.tagging else ()), *((REGION,) if self.regional else ()))

    @cached_property
    def all_fields(self) -> tuple[Field, ...]:
        return (*self.all_inputs, *self.outputs)

    @cached_property
    def secret_names(self) -> frozenset[str]:
        return frozenset(f.name for f in self.all_fields if f.secret)


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where calls are made: one service of one region."""

    clients: Clients
    service: str
    region: str
    partition: str
    account: Callable[[], str]
    deadline: float | None = None
    """`time.monotonic()` by which everything must be done; None leaves it to the entry."""

    def call(self, operation: str, /, **parameters: Any) -> Plain:
        return self.clients.call(self.service, self.region, operation, parameters)

    def run(self, call: Call, names: Mapping[str, Any], extra: Mapping[str, Any] | None = None) -> Any:
        """The selected result of a call from a table."""
        answer = self.call(call.operation, **fill(call.parameters, names), **(extra or {}))
        return select(call.result, answer) if call.result else answer

    def call_unless(self, missing: Iterable[str], operation: str, /, **parameters: Any) -> Plain | None:
        """The answer, or None when AWS refuses with one of the `missing` codes."""
        try:
            return self.call(operation, **parameters)
        except AwsError as error:
            if error.code not in missing:
                raise
            return None

    def wait(self, poll: Callable[[], T | None], what: str, timeout: timedelta) -> T:
        """Poll until there is an answer. Raises `NotReady` at the deadline."""
        end = self.deadline if self.deadline is not None else time.monotonic() + timeout.total_seconds()
        pause = _FIRST_PAUSE_SECONDS
        while True:
            found = poll()
            if found is not None:
                return found
            if time.monotonic() + pause > end:
                raise NotReady(f"gave up waiting for {what}")
            time.sleep(pause)
            pause = min(pause * 1.6, _LONGEST_PAUSE_SECONDS)


@dataclass(frozen=True, kw_only=True)
class Scope(Place):
    """Where an operation on one resource takes place."""

    type: ResourceType
    urn: str


def fill(template: Any, names: Mapping[str, Any]) -> Any:
    """A template with its `$names` replaced; members without a value are left out."""
    if isinstance(template, str):
        return select(template[1:], names) if template.startswith("$") else template
    if isinstance(template, Mapping):
        filled = {key: fill(value, names) for key, value in template.items()}
        return {key: value for key, value in filled.items() if value is not None}
    if isinstance(template, list | tuple):
        return [value for item in template if (value := fill(item, names)) is not None]
    return template
