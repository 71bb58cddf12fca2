"""A small world to test engines on: a provider of `lab:index:Thing` over a database that outlives any engine.

The provider keeps Pulumi's own interface, so the embedded engine can call it in-process and a real Pulumi can attach to it.
The world counts every call, can be told to fail or to kill its caller, and makes calls meet so that overlap in time can be
asserted without measuring time.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pulumi
from pulumi.provider.experimental import provider as api
from pulumi.provider.experimental.property_value import Computed, PropertyValue

from ils_sandbox.provider.errors import ProviderError

Properties = dict[str, PropertyValue]

INPUTS = {"value", "kind", "exclusive", "uses", "home", "password", "meet", "refuse", "tags"}
REPLACING = {"kind", "exclusive", "home"}
"""Changing these needs a new thing; `exclusive` things must be deleted before their successor can be made."""
MUTATING = ("create", "update", "delete")
MEETING_DEADLINE_SECONDS = 20
INTERRUPT = "interrupt"
"""Where an engine comes that was interrupted."""


class Refused(ProviderError):
    """What a call of the lab fails with."""


class World:
    """What exists, and what was called. Every method is one transaction, from any thread or process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._open() as db:
            for table in (
                "things (id integer primary key, urn text, properties text, complete integer default 0)",
                "calls (number integer primary key, operation text, urn text, actor text, started real, finished real)",
                "present (meeting text, urn text, unique (meeting, urn))",
                "orders (number integer primary key, operation text, name text, moment text, action text)",
            ):
                db.execute(f"create table if not exists {table}")

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        db = sqlite3.connect(self.path, timeout=30, isolation_level=None)
        try:
            db.execute("begin immediate")
            yield db
            db.execute("commit")
        finally:
            db.close()

    # ---- for tests

    def things(self) -> dict[str, dict[str, Any]]:
        """Properties of everything that exists, by id."""
        with self._open() as db:
            return {str(id_): json.loads(text) for id_, text in db.execute("select id, properties from things")}

    def names(self) -> list[str]:
        """Names of everything that exists, sorted; a duplicate stands twice."""
        with self._open() as db:
            return sorted(urn.rsplit("::", 1)[-1] for (urn,) in db.execute("select urn from things"))

    def calls(self, *operations: str) -> list[tuple[str, str]]:
        """(operation, name) of every call so far, of the given operations only if there are any."""
        with self._open() as db:
            rows = db.execute("select operation, urn from calls order by number").fetchall()
        return [(op, urn.rsplit("::", 1)[-1]) for op, urn in rows if not operations or op in operations]

    def actors(self, *operations: str) -> set[str]:
        """As whom, and where, these operations were called: `profile@region` of the provider's configuration."""
        with self._open() as db:
            rows = db.execute("select operation, actor from calls").fetchall()
        return {actor for operation, actor in rows if operation in operations}

    def incomplete(self) -> list[str]:
        """Names of the things whose create was never finished."""
        with self._open() as db:
            rows = db.execute("select urn from things where complete = 0").fetchall()
        return sorted(urn.rsplit("::", 1)[-1] for (urn,) in rows)

    def forget_calls(self) -> None:
        with self._open() as db:
            db.execute("delete from calls")

    def order(self, operation: str, name: str, action: str, *, moment: str = "before") -> None:
        """Have the next call of `operation` for the thing `name` (`*`: any) do `action` instead (`fail`, `kill` its
        process), `before` or `after` its work, or `between` the two steps of a create."""
        with self._open() as db:
            db.execute(
                "insert into orders (operation, name, moment, action) values (?, ?, ?, ?)",
                (operation, name, moment, action),
            )

    def kill_at(self, number: int, moment: str) -> None:
        """Kill the caller at the mutating call `number` from now on (0 is the next)."""
        with self._open() as db:
            db.execute(
                "insert into orders (operation, name, moment, action) values ('mutating', ?, ?, 'kill')",
                (str(number), moment),
            )

    def change(self, name: str, **properties: Any) -> None:
        """Change a thing behind everybody's back."""
        with self._open() as db:
            for id_, urn, text in db.execute("select id, urn, properties from things").fetchall():
                if urn.rsplit("::", 1)[-1] == name:
                    db.execute(
                        "update things set properties = ? where id = ?",
                        (json.dumps(json.loads(text) | properties), id_),
                    )

    def lose(self, name: str) -> None:
        """Delete a thing behind everybody's back."""
        with self._open() as db:
            for id_, urn in db.execute("select id, urn from things").fetchall():
                if urn.rsplit("::", 1)[-1] == name:
                    db.execute("delete from things where id = ?", (id_,))

    def present(self, meeting: str) -> int:
        """How many callers are waiting for each other."""
        with self._open() as db:
            (count,) = db.execute("select count(*) from present where meeting = ?", (meeting,)).fetchone()
        return int(count)

    def come(self, meeting: str, who: str) -> None:
        """Be there, and wait for nobody."""
        with self._open() as db:
            db.execute("insert or ignore into present values (?, ?)", (meeting, who))

    # ---- for the provider

    @contextmanager
    def call(self, operation: str, urn: str, actor: str) -> Iterator[None]:
        started = time.time()
        self.obey(operation, urn, "before")
        yield
        with self._open() as db:
            db.execute(
                "insert into calls (operation, urn, actor, started, finished) values (?, ?, ?, ?, ?)",
                (operation, urn, actor, started, time.time()),
            )
        self.obey(operation, urn, "after")

    def obey(self, operation: str, urn: str, moment: str) -> None:
        name = urn.rsplit("::", 1)[-1]
        with self._open() as db:
            if operation in MUTATING:
                due = db.execute(
                    "select number from orders where operation = 'mutating' and name = '0' and moment = ?", (moment,)
                ).fetchone()
                if moment == "after" or not due:
                    db.execute(
                        "update orders set name = cast(name as integer) - 1 "
                        "where operation = 'mutating' and moment = ? and cast(name as integer) > 0",
                        (moment,),
                    )
                if due:
                    db.execute("delete from orders where number = ?", due)
                    db.execute("commit")
                    _die()
            row = db.execute(
                "select number, action from orders where operation = ? and name in (?, '*') and moment = ?",
                (operation, name, moment),
            ).fetchone()
            if row is None:
                return
            db.execute("delete from orders where number = ?", (row[0],))
        if row[1] == "kill":
            _die()
        raise Refused(f"{operation} of {name} refused by order")

    def add(self, urn: str, properties: Mapping[str, Any]) -> str:
        with self._open() as db:
            if properties.get("exclusive") is not None:
                for (text,) in db.execute("select properties from things").fetchall():
                    if (
                        json.loads(text).get("exclusive") is not None
                        and json.loads(text)["value"] == properties["value"]
                    ):
                        raise Refused("there is one already, and it is exclusive")
            cursor = db.execute(
                "insert into things (urn, properties) values (?, ?)", (urn, json.dumps(dict(properties)))
            )
            return str(cursor.lastrowid)

    def get(self, id_: str) -> dict[str, Any] | None:
        return self.things().get(id_)

    def complete(self, id_: str) -> None:
        """The last step of a create, which no property shows."""
        with self._open() as db:
            db.execute("update things set complete = 1 where id = ?", (id_,))

    def put(self, id_: str, properties: Mapping[str, Any]) -> None:
        with self._open() as db:
            db.execute("update things set properties = ? where id = ?", (json.dumps(dict(properties)), id_))

    def remove(self, id_: str) -> None:
        """Raises when something still lives in, or uses, the thing."""
        with self._open() as db:
            for other, text in db.execute("select id, properties from things").fetchall():
                if json.loads(text).get("home") == id_ or id_ in (json.loads(text).get("uses") or []):
                    raise Refused(f"thing {id_} is in use by thing {other}")
            db.execute("delete from things where id = ?", (id_,))

    def made_for(self, urn: str) -> list[str]:
        with self._open() as db:
            return [str(id_) for (id_,) in db.execute("select id from things where urn = ? order by id", (urn,))]

    def meet(self, meeting: str, urn: str, expected: int) -> None:
        """Wait until `expected` callers are here at the same time; fail when they do not come."""
        deadline = time.monotonic() + MEETING_DEADLINE_SECONDS
        self.come(meeting, urn)
        while time.monotonic() < deadline:
            if self.present(meeting) >= expected:
                return
            time.sleep(0.005)
        raise Refused(f"only {self.present(meeting)} of {expected} calls were under way at the same time")


def _die() -> None:
    """Kill this process and the engine that it started, if it did: that one first, so that it cannot notice."""
    children = [
        int(pid) for task in Path("/proc/self/task").iterdir() for pid in (task / "children").read_text().split()
    ]
    for pid in (*children, os.getpid()):
        os.kill(pid, signal.SIGKILL)


class LabProvider(api.Provider):
    """Provider of things. `find` is what an adopting engine asks after a crash."""

    def __init__(self, world: World, config: Mapping[str, str]) -> None:
        self._world = world
        self._actor = f"{config.get('profile', '')}@{config.get('region', '')}"

    async def configure(self, request: api.ConfigureRequest) -> api.ConfigureResponse:
        return api.ConfigureResponse(accept_secrets=True, supports_preview=True)

    async def check(self, request: api.CheckRequest) -> api.CheckResponse:
        inputs = dict(request.new_inputs)
        failures = [
            api.CheckFailure(key, f"a thing has no such property; it has {', '.join(sorted(INPUTS))}")
            for key in sorted(inputs.keys() - INPUTS)
        ]
        if "value" not in inputs:
            inputs["value"] = PropertyValue("generated-" + request.random_seed.hex()[:8])
            if "value" in request.old_inputs:
                inputs["value"] = request.old_inputs["value"]
        return api.CheckResponse(inputs, failures)

    async def diff(self, request: api.DiffRequest) -> api.DiffResponse:
        detailed: dict[str, api.PropertyDiff] = {}
        for key in sorted(INPUTS):
            before, after = request.old_state.get(key), request.new_inputs.get(key)
            if _plain(before) == _plain(after) and not _unknown(after):
                continue
            if isinstance(before and before.value, Mapping) and isinstance(after and after.value, Mapping):
                assert before is not None
                assert after is not None
                for inner in sorted({*before.value, *after.value}):  # type: ignore[misc]
                    old, new = before.value.get(inner), after.value.get(inner)  # type: ignore[union-attr]
                    if _plain(old) != _plain(new):
                        detailed[f"{key}.{inner}"] = api.PropertyDiff(_kind(old, new, replacing=False), True)
                continue
            detailed[key] = api.PropertyDiff(_kind(before, after, replacing=key in REPLACING), True)
        replaces = sorted(REPLACING & detailed.keys())
        return api.DiffResponse(
            changes=bool(detailed),
            replaces=replaces,
            detailed_diff=detailed,
            delete_before_replace="exclusive" in request.old_state
            and _plain(request.old_state["exclusive"]) is not None,
        )

    async def create(self, request: api.CreateRequest) -> api.CreateResponse:
        if request.preview:
            return api.CreateResponse("", dict(request.properties))

        def work() -> str:
            with self._world.call("create", request.urn, self._actor):
                self._refuse(request.properties, "create")
                meet = _plain(request.properties.get("meet"))
                if meet is not None:
                    self._world.meet(meet["at"], request.urn, int(meet["count"]))
                id_ = self._world.add(request.urn, _plain_map(request.properties))
                self._world.obey("create", request.urn, "between")
                self._world.complete(id_)
                return id_

        id_ = await asyncio.to_thread(work)
        return api.CreateResponse(id_, _outputs(id_, request.properties))

    async def read(self, request: api.ReadRequest) -> api.ReadResponse:
        def work() -> dict[str, Any] | None:
            with self._world.call("read", request.urn, self._actor):
                return self._world.get(request.resource_id)

        found = await asyncio.to_thread(work)
        if found is None:
            return api.ReadResponse("", {}, {})
        properties = {key: _wrap(value) for key, value in found.items()}
        return api.ReadResponse(request.resource_id, _outputs(request.resource_id, properties), properties)

    async def update(self, request: api.UpdateRequest) -> api.UpdateResponse:
        if not request.preview:

            def work() -> None:
                with self._world.call("update", request.urn, self._actor):
                    self._refuse(request.news, "update")
                    self._world.put(request.resource_id, _plain_map(request.news))

            await asyncio.to_thread(work)
        return api.UpdateResponse(_outputs(request.resource_id, request.news))

    async def delete(self, request: api.DeleteRequest) -> None:
        def work() -> None:
            with self._world.call("delete", request.urn, self._actor):
                self._refuse(request.properties, "delete")
                self._world.remove(request.resource_id)

        await asyncio.to_thread(work)

    async def invoke(self, request: api.InvokeRequest) -> api.InvokeResponse:
        if request.tok != "lab:index:getGreeting":
            return api.InvokeResponse(failures=[api.CheckFailure("", f"there is no function {request.tok}")])
        name = _plain(request.args["name"])
        with self._world.call("invoke", f"::{name}", self._actor):
            return api.InvokeResponse({"greeting": PropertyValue(f"hello {name}")})

    async def find(self, urn: str, inputs: Properties, known_ids: frozenset[str]) -> str | None:
        return next((id_ for id_ in self._world.made_for(urn) if id_ not in known_ids), None)

    @staticmethod
    def _refuse(properties: Mapping[str, PropertyValue], operation: str) -> None:
        if _plain(properties.get("refuse")) == operation:
            raise Refused(f"{operation} refused, as the thing asks for")

    async def resume(self, urn: str, id_: str, inputs: Properties) -> None:
        self._world.complete(id_)


def _outputs(id_: str, properties: Mapping[str, PropertyValue]) -> Properties:
    return {
        **properties,
        "address": PropertyValue(f"lab://{id_}"),
        "token": PropertyValue(f"token-of-{id_}", is_secret=True),
    }


def _kind(before: PropertyValue | None, after: PropertyValue | None, *, replacing: bool) -> api.PropertyDiffKind:
    word = "ADD" if before is None else "DELETE" if after is None else "UPDATE"
    return api.PropertyDiffKind[word + ("_REPLACE" if replacing else "")]


def _unknown(value: PropertyValue | None) -> bool:
    return value is not None and isinstance(value.value, Computed)


def _plain(value: PropertyValue | None) -> Any:
    if value is None or isinstance(value.value, Computed):
        return None
    if isinstance(value.value, Mapping):
        return {key: _plain(item) for key, item in value.value.items()}
    if isinstance(value.value, tuple):
        return [_plain(item) for item in value.value]  # type: ignore[arg-type]
    return value.value


def _plain_map(properties: Mapping[str, PropertyValue]) -> dict[str, Any]:
    return {key: _plain(value) for key, value in properties.items()}


def _wrap(value: Any) -> PropertyValue:
    if isinstance(value, dict):
        return PropertyValue({key: _wrap(item) for key, item in value.items()})
    if isinstance(value, list):
        return PropertyValue([_wrap(item) for item in value])
    return PropertyValue(value)


class Thing(pulumi.CustomResource):
    """`lab:index:Thing` as a program sees it."""

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None, **properties: Any) -> None:
        super().__init__("lab:index:Thing", name, {**properties, "address": None, "token": None}, opts)

    @property
    def address(self) -> pulumi.Output[str]:
        return pulumi.get(self, "address")  # type: ignore[no-any-return]

    @property
    def token(self) -> pulumi.Output[str]:
        return pulumi.get(self, "token")  # type: ignore[no-any-return]

    @property
    def value(self) -> pulumi.Output[str]:
        return pulumi.get(self, "value")  # type: ignore[no-any-return]


class Elsewhere(pulumi.ProviderResource):
    """A provider that a program declares, for another region."""

    def __init__(self, name: str, **config: str) -> None:
        super().__init__("lab", name, config)


class Group(pulumi.ComponentResource):
    """A component, to have parents in the tests."""

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("lab:index:Group", name, {}, opts)


def greeting(name: str) -> pulumi.Output[str]:
    result = pulumi.runtime.invoke_output("lab:index:getGreeting", {"name": name})
    return result.apply(lambda answer: answer["greeting"])  # type: ignore[no-any-return]
