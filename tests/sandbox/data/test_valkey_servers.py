"""One Valkey server, without anything in front of it."""

from __future__ import annotations

from pathlib import Path

from ils_sandbox.data.records import Tokens
from ils_sandbox.data.valkey.server import ValkeyServer


def test_a_snapshot_waits_for_what_the_server_saves_by_itself(tmp_path: Path) -> None:
    server = ValkeyServer(tmp_path, tmp_path / "s")
    server.start(Tokens(hashes=(), open=True), "noeviction")
    try:
        with server.administrator() as session:
            session.mset({f"key:{number}": "value" for number in range(200)})
            session.config_set("rdb-key-save-delay", 500)  # microseconds
            session.bgsave()
            session.set("late", "value")
            assert session.info("persistence")["rdb_bgsave_in_progress"] == 1
            server.save_to(tmp_path / "copy")
            session.config_set("rdb-key-save-delay", 0)
    finally:
        server.stop()
    assert b"late" in (tmp_path / "copy").read_bytes()
