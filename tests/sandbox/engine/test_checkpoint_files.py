"""Checkpoints on disk: atomic, private, encrypted, and never thrown away because they cannot be read."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import stat
import threading
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ils_pipelines.engine.errors import CheckpointCorrupt, EngineError
from ils_pipelines.engine.models import Stack
from ils_sandbox.engine import EmbeddedEngine
from ils_sandbox.engine.secrets import open_crypter
from tests.contract.engine.lab import LabProvider, Thing, World
from tests.contract.engine.programs import estate


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "world.sqlite")


def engine_in(root: Path, world: World) -> EmbeddedEngine:
    return EmbeddedEngine(root / "stacks", providers={"lab": lambda config: LabProvider(world, config)}, config={})


@pytest.fixture
def engine(tmp_path: Path, world: World) -> EmbeddedEngine:
    return engine_in(tmp_path, world)


STACK = Stack("lab-project", "dev", estate)


def checkpoint(tmp_path: Path) -> Path:
    return tmp_path / "stacks" / "lab-project" / "dev.json"


@pytest.fixture(scope="module")
def upped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as an up leaves it, to be copied: every new one pays for a key of its own."""
    root = tmp_path_factory.mktemp("upped")
    engine_in(root, World(root / "world.sqlite")).up(STACK)
    return root


def damaged(text: str, how: str) -> str:
    return {
        "cut": text[: len(text) // 2],
        "empty": "",
        "not a checkpoint": "[]",
        "another version": text.replace('"version": 3', '"version": 4', 1),
        "a resource without a type": text.replace('"type": "lab:index:Thing",', "", 1),
        "a reference to nothing": text.replace("Thing::ground", "Thing::elsewhere", 1),
        "a changed secret": text.replace('"ciphertext": "v1:', '"ciphertext": "v1:AAAA', 1),
    }[how]


@pytest.mark.parametrize(
    "how",
    [
        "cut",
        "empty",
        "not a checkpoint",
        "another version",
        "a resource without a type",
        "a reference to nothing",
        "a changed secret",
    ],
)
@pytest.mark.parametrize("operation", ["up", "preview", "destroy", "refresh", "outputs", "export_state"])
def test_a_damaged_checkpoint_is_refused_kept_and_nothing_is_changed(
    upped: Path, tmp_path: Path, how: str, operation: str
) -> None:
    shutil.copytree(upped, tmp_path, dirs_exist_ok=True)
    world = World(tmp_path / "world.sqlite")
    engine = engine_in(tmp_path, world)
    path = checkpoint(tmp_path)
    bad = damaged(path.read_text(), how)
    assert bad != path.read_text()
    path.write_text(bad)
    world.forget_calls()

    with pytest.raises(CheckpointCorrupt, match=r"dev\.json.*nothing was changed.*dev\.json\.bak"):
        getattr(engine, operation)(STACK)

    assert path.read_text() == bad
    assert world.calls("create", "update", "delete") == []


def test_the_copy_of_before_the_last_change_can_be_put_back(
    engine: EmbeddedEngine, world: World, tmp_path: Path
) -> None:
    engine.up(STACK)
    engine.up(STACK)  # copies the good one
    path = checkpoint(tmp_path)
    path.write_text("{")

    path.with_name("dev.json.bak").replace(path)

    assert engine.preview(STACK).empty


def test_checkpoints_and_the_key_are_readable_by_their_owner_only(engine: EmbeddedEngine, tmp_path: Path) -> None:
    engine.up(STACK)

    for path in (checkpoint(tmp_path), tmp_path / "stacks" / "key.json"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_up_that_changes_nothing_does_not_write_the_checkpoint(engine: EmbeddedEngine, tmp_path: Path) -> None:
    engine.up(STACK)
    before = checkpoint(tmp_path).stat()

    engine.up(STACK)

    after = checkpoint(tmp_path).stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_the_checkpoint_is_a_deployment_that_pulumi_can_decrypt(engine: EmbeddedEngine, tmp_path: Path) -> None:
    """By hand, as Pulumi's passphrase provider does it: PBKDF2, then AES-GCM over the JSON of the value."""
    engine.up(STACK)
    document = json.loads(checkpoint(tmp_path).read_text())
    passphrase = json.loads((tmp_path / "stacks" / "key.json").read_text())["passphrase"]
    provider = document["deployment"]["secrets_providers"]
    assert (document["version"], provider["type"]) == (3, "passphrase")
    _, salt, *check = provider["state"]["salt"].split(":")
    key = hashlib.pbkdf2_hmac("sha256", passphrase.encode(), base64.b64decode(salt), 1_000_000, dklen=32)

    def decrypt(nonce: str, sealed: str) -> str:
        return AESGCM(key).decrypt(base64.b64decode(nonce), base64.b64decode(sealed), None).decode()

    assert decrypt(*check[1:]) == "pulumi"
    gate = next(entry for entry in document["deployment"]["resources"] if entry["urn"].endswith("::gate"))
    assert json.loads(decrypt(*gate["inputs"]["password"]["ciphertext"].split(":")[1:])) == "open sesame"


def test_threads_that_need_the_key_at_the_same_time_get_the_same(tmp_path: Path) -> None:
    sealed: list[str] = []
    barrier = threading.Barrier(4)

    def work() -> None:
        barrier.wait()
        sealed.append(open_crypter(tmp_path / "key.json").encrypt("x"))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [open_crypter(tmp_path / "key.json").decrypt(text) for text in sealed] == ["x"] * 4
    assert [path.name for path in tmp_path.iterdir()] == ["key.json"]


def test_a_damaged_key_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "key.json").write_text("{}")

    with pytest.raises(EngineError, match=r"key\.json is damaged"):
        open_crypter(tmp_path / "key.json")


def test_a_package_without_a_provider_is_named(tmp_path: Path) -> None:
    engine = EmbeddedEngine(tmp_path, providers={}, config={})

    with pytest.raises(EngineError, match="'lab' are unsupported in the sandbox"):
        engine.up(Stack("lab-project", "dev", lambda: Thing("x", value="v") and None))


def test_a_stack_is_not_moved_to_another_region(tmp_path: Path, world: World) -> None:
    def engine(region: str) -> EmbeddedEngine:
        providers = {"lab": lambda config: LabProvider(world, config)}
        return EmbeddedEngine(tmp_path, providers=providers, config={"lab:region": region})

    engine("north").up(STACK)

    with pytest.raises(EngineError, match="is in region north and cannot be moved to south"):
        engine("south").up(STACK)
