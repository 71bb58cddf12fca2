"""Where the state folder is, and what is written there."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ils_sandbox.state import (
    AwsEndpoint,
    DataEndpoint,
    SandboxFiles,
    SandboxState,
    lock_holder,
    state_directory,
    write_atomically,
)
from ils_sandbox.supervisor import hold_lock


def test_the_state_folder_is_the_one_named_by_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ILS_STATE_DIR", str(tmp_path / "x"))
    assert state_directory() == tmp_path / "x"


def test_else_it_is_beside_the_environments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environments = tmp_path / "environments"
    environments.mkdir()
    monkeypatch.delenv("ILS_STATE_DIR", raising=False)
    monkeypatch.setenv("ILS_ENVIRONMENTS_DIR", str(environments))
    assert state_directory() == tmp_path / ".ils"


def test_a_state_file_counts_only_while_the_lock_is_held(tmp_path: Path) -> None:
    files = SandboxFiles(tmp_path)
    files.sandbox.mkdir()
    state = SandboxState(
        pid=1,
        started_at=datetime.now(UTC),
        aws=AwsEndpoint(endpoint="http://127.0.0.1:1", pid=2),
        data=DataEndpoint(endpoint="http://127.0.0.1:2", ca_file=tmp_path / "ca.crt", pid=3),
    )
    write_atomically(files.state, state.model_dump_json().encode())
    assert SandboxState.load(tmp_path) is None
    lock = hold_lock(files.lock)
    assert lock is not None
    assert SandboxState.load(tmp_path) == state


def test_looking_at_the_lock_does_not_stand_in_the_way_of_taking_it(tmp_path: Path) -> None:
    lock, done = tmp_path / "lock", threading.Event()
    lock.touch()

    def look() -> None:
        while not done.is_set():
            lock_holder(lock)

    watchers = [threading.Thread(target=look) for _ in range(4)]
    for watcher in watchers:
        watcher.start()
    try:
        assert hold_lock(lock) is not None
    finally:
        done.set()
        for watcher in watchers:
            watcher.join()


def test_writing_leaves_either_the_old_or_the_new_content(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file"
    write_atomically(path, b"old")
    path.parent.chmod(0o700)
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert [each.name for each in path.parent.iterdir()] == ["file"]
    assert path.stat().st_mode & 0o077 == 0
