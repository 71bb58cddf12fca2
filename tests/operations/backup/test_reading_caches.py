"""A cache and its file give the same hashes, however either keeps its values; any other content gives other ones."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import valkey
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ils_pipelines.operations.backup.cache_state import read_cache, read_file, there_at
from ils_pipelines.operations.backup.details import CacheState
from ils_pipelines.operations.backup.rdb.errors import RdbCorrupt, RdbUnknown
from ils_pipelines.operations.backup.rdb.keys import OF_THE_SERVICE
from ils_pipelines.operations.backup.rdb.source import unpacked
from ils_sandbox.data.records import Tokens
from ils_sandbox.data.valkey.server import ADMINISTRATOR, ValkeyServer

MOMENT = datetime(2026, 11, 26, 4, 30, tzinfo=UTC)
LATER = datetime(2100, 1, 1, tzinfo=UTC)
PLAIN = ("hash-max-listpack-entries", "set-max-listpack-entries", "set-max-intset-entries", "zset-max-listpack-entries")
"""Of no entries at all: then nothing is packed."""


class Server:
    """A real server in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.files, self._sockets = folder, folder / "s"
        self._process = ValkeyServer(folder, self._sockets)
        self.start()

    def start(self) -> None:
        self._process.start(Tokens(hashes=(), open=True), "noeviction")

    def stop(self) -> None:
        self._process.stop()

    def connect(self, database: int = 0) -> valkey.Valkey:
        return valkey.Valkey(
            unix_socket_path=str(self._process.socket),
            username=ADMINISTRATOR,
            password=self._process._password,
            db=database,
        )

    def state(self) -> CacheState:
        return read_cache(self.connect, MOMENT)

    def dumped(self) -> bytes:
        copy = self.files / uuid.uuid4().hex
        self._process.save_to(copy)
        return copy.read_bytes()

    def load(self, dump: bytes) -> None:
        self.connect().flushall()
        self.stop()
        self._process.dump.write_bytes(dump)
        self.start()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = Server(tmp_path_factory.mktemp("live") / "v")
    yield made
    made.stop()


@pytest.fixture(scope="module")
def another(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = Server(tmp_path_factory.mktemp("other") / "v")
    yield made
    made.stop()


def of_file(content: bytes, size: int = 1000) -> CacheState:
    return read_file((content[at : at + size] for at in range(0, len(content), size)), MOMENT)


words = st.one_of(
    st.binary(max_size=40),
    st.integers(-(2**63), 2**63 - 1).map(lambda number: str(number).encode()),
    st.integers(-5000, 5000).map(lambda number: str(number).encode()),
    # Long and with repetitions: servers compress it.
    st.tuples(st.binary(min_size=1, max_size=9), st.integers(1, 9000)).map(lambda both: both[0] * both[1]),
)
fields = st.dictionaries(words, words, min_size=1, max_size=12)
scores = st.dictionaries(words, st.floats(allow_nan=False), min_size=1, max_size=12)
values = st.one_of(
    words,
    st.tuples(st.just("rpush"), st.lists(words, min_size=1, max_size=12)),
    st.tuples(st.just("sadd"), st.sets(words, min_size=1, max_size=12)),
    st.tuples(st.just("sadd"), st.sets(st.integers(-(2**40), 2**40), min_size=1, max_size=12)),
    st.tuples(st.just("zadd"), scores),
    st.tuples(st.just("hset"), fields),
    st.tuples(st.just("xadd"), st.lists(fields, min_size=1, max_size=4)),
)
contents = st.dictionaries(
    # What ElastiCache writes of its own is left out (below).
    st.tuples(st.integers(0, 3), words.filter(lambda key: key != OF_THE_SERVICE)),
    st.tuples(values, st.none() | st.integers(1, 10**5).map(lambda days: LATER + timedelta(days=days))),
    min_size=10,
    max_size=30,
)


def fill(server: Server, content: dict[Any, Any]) -> None:
    server.connect().flushall()
    for (database, key), (value, until) in content.items():
        client: Any = server.connect(database)
        match value:
            case bytes():
                client.set(key, value)
            case ("zadd" | "hset" as command, mapping):
                client.execute_command(command, key, *_flat(mapping, scores=command == "zadd"))
            case ("xadd", entries):
                for number, entry in enumerate(entries, 1):
                    client.xadd(key, entry, id=f"{number}-1")
            case (command, members):
                client.execute_command(command, key, *members)
        if until is not None:
            client.pexpireat(key, until)


def _flat(mapping: dict[Any, Any], *, scores: bool) -> list[Any]:
    return [each for key, value in mapping.items() for each in ((value, key) if scores else (key, value))]


@settings(
    max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.explicit, Phase.generate]
)
@given(contents)
def test_whatever_a_cache_holds_its_file_says_the_same(server: Server, content: dict[Any, Any]) -> None:
    fill(server, content)
    state = server.state()
    assert of_file(server.dumped()) == state
    assert there_at(state, MOMENT)[0] == len(content)


BIG: dict[Any, Any] = {
    (0, b"long"): (b"abc" * 100_000 + bytes(range(256)), None),
    (0, b"numbers"): (("sadd", set(range(-700, 70_000, 700))), None),
    (0, b"names"): (("sadd", {b"n%d" % number for number in range(400)}), None),
    (1, b"queue"): (("rpush", [b"x" * (number % 9000) for number in range(3000)]), LATER),
    (2, b"scores"): (("zadd", {b"m%d" % number: number / 7 - 20 for number in range(300)}), None),
    (3, b"edges"): (("zadd", {b"a": float("inf"), b"b": float("-inf"), b"c": -0.0, b"d": 1e-300}), None),
    (3, b"fields"): (("hset", {b"f%d" % number: b"v" * number for number in range(300)}), None),
    (3, b"events"): (("xadd", [{b"kind": b"k%d" % number, b"at": b"now"} for number in range(250)]), None),
}


def test_a_server_that_keeps_its_values_another_way_gives_the_same(server: Server, another: Server) -> None:
    for name in PLAIN:
        another.connect().config_set(name, 0)
    another.connect().config_set("list-max-listpack-size", 3)
    for each in (server, another):
        fill(each, BIG)
    kept = [each.connect(3).object("encoding", "edges") for each in (server, another)]
    assert kept == [b"listpack", b"skiplist"]
    assert another.state() == server.state() == of_file(another.dumped()) == of_file(server.dumped())


def test_a_server_that_begins_with_the_file_holds_the_same(server: Server, another: Server) -> None:
    fill(server, BIG)
    stream: Any = server.connect(3)
    stream.xgroup_create("events", "workers", id="0")
    stream.xreadgroup("workers", "one", {"events": ">"}, count=5)
    stream.xdel("events", "1-1")
    dump = server.dumped()
    another.load(dump)
    assert another.state() == server.state() == of_file(dump)


@pytest.mark.parametrize("packed", [True, False])
def test_any_other_content_gives_something_else(server: Server, packed: bool) -> None:
    client: Any = server.connect(3)
    for name in PLAIN:
        client.config_set(name, 128 if packed else 0)
    fill(server, {**BIG, (0, b"one"): (b"1", LATER)})
    before, changes = server.state(), 0
    for command in (
        ("hset", "fields", "f7", "other"),
        ("hdel", "fields", "f8"),
        ("zadd", "edges", 2e-300, "d"),
        ("xadd", "events", "*", "kind", "new"),
        ("del", "edges"),
        ("rename", "events", "happenings"),
        ("move", "fields", 5),
    ):
        client.execute_command(*command)
        after = server.state()
        assert there_at(after, MOMENT) != there_at(before, MOMENT), command
        assert of_file(server.dumped()) == after
        before, changes = after, changes + 1
    other: Any = server.connect(0)
    for command in (
        ("srem", "names", "n3"),
        ("persist", "one"),
        ("pexpireat", "one", 4_102_444_800_001),
        ("incr", "one"),
    ):
        other.execute_command(*command)
        after = server.state()
        assert there_at(after, MOMENT) != there_at(before, MOMENT), command
        before = after
    for name in PLAIN:
        client.config_set(name, 128)


def test_keys_that_go_before_a_moment_are_left_out_of_it_and_no_others(server: Server) -> None:
    now = datetime.now(UTC)
    client: Any = server.connect()
    client.flushall()
    client.set("stays", "1")
    for hours in (30, 60, 24 * 100, 24 * 5000):
        client.set(f"for {hours}", "1", pxat=now + timedelta(hours=hours))
    state = read_cache(server.connect, now)
    ages = {0: 5, 29: 5, 31: 4, 61: 3, 24 * 101: 2, 24 * 6000: 2}
    assert {hours: there_at(state, now + timedelta(hours=hours))[0] for hours in ages} == ages


def test_fields_that_run_out_are_counted_by_themselves(server: Server) -> None:
    now = datetime.now(UTC)
    client: Any = server.connect()
    client.flushall()
    client.hset("half", mapping={"stays": "1", "goes": "2", "goes too": "3"})
    client.execute_command("HEXPIRE", "half", 7200, "FIELDS", 2, "goes", "goes too")
    state = read_cache(server.connect, now)
    assert read_file([server.dumped()], now) == state
    assert [there_at(state, now + timedelta(hours=hours))[0] for hours in (0, 3)] == [3, 1]


def test_the_service_s_own_clock_is_no_content(server: Server) -> None:
    client: Any = server.connect()
    client.flushall()
    client.set(OF_THE_SERVICE, "2026-11-26 04:30:00")
    assert server.state().keys == of_file(server.dumped()).keys == ()


def test_what_is_cut_off_anywhere_is_refused(server: Server) -> None:
    fill(server, {(0, b"a"): (("hset", {b"f": b"v" * 500}), LATER), (1, b"b"): (b"1", None)})
    dump = server.dumped()
    for length in range(len(dump) - 8):
        with pytest.raises(RdbCorrupt):
            of_file(dump[:length])


@given(st.binary(max_size=60))
def test_nonsense_is_refused_and_nothing_else_happens(rest: bytes) -> None:
    for begin in (b"", b"REDIS0011", b"VALKEY080"):
        try:
            of_file(begin + rest)
        except (RdbCorrupt, RdbUnknown):
            pass
        else:
            assert b"\xff" in rest, "it has an end"


def test_a_value_of_a_module_is_not_known(server: Server) -> None:
    with pytest.raises(RdbUnknown, match="type 7"):
        of_file(b"REDIS0011\xfe\x00\x07\x03abc\x00\xff" + bytes(8))


@given(st.binary(max_size=50), st.integers(0, 300))
def test_what_is_compressed_badly_is_refused_or_as_long_as_it_says(packed: bytes, size: int) -> None:
    with suppress(RdbCorrupt):
        assert len(unpacked(packed, size)) == size
