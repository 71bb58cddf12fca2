"""Making, prolonging and forgetting the file of an ephemeral environment.

The file is the whole record of it: while it is there, the environment is one like the others, and its sensor tears it down
when its time is over. It is removed once nothing of the environment is left in the engine.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError

from ils_pipelines.errors import IlsError
from ils_pipelines.settings.derivation import check_network, choose_network, derived
from ils_pipelines.settings.diagnosis import diagnose
from ils_pipelines.settings.environment import Environment, utc_today
from ils_pipelines.settings.errors import EnvironmentFileError
from ils_pipelines.settings.folders import SUFFIX, ephemeral_directory
from ils_pipelines.settings.loading import environment_file, environment_names, load_environment
from ils_pipelines.settings.section import Cidr, EnvironmentName
from ils_pipelines.settings.tiers import Tier
from ils_pipelines.settings.yaml_document import read_document

_HEAD = """\
# Written by `ils up {name} --from {base}`, from what {base}.yaml said then. Torn down by itself when its time is over;
# `ils up {name} --ttl TIME` gives it more, `ils down {name} --confirm {name}` ends it now.
"""


class NoSuchEphemeral(IlsError):
    """An environment cannot be made for a time, or is not one that was. Nothing was made or changed."""


def draft_ephemeral(
    name: str, *, base: str, ttl: timedelta, cidr: str | None = None, now: datetime | None = None
) -> tuple[Environment, Mapping[str, Any]]:
    """What the environment `name` made from `base` would be, and what its file would say. Writes nothing.

    Raises `NoSuchEphemeral`, `NoFreeNetwork`, or what the base's file is refused with.
    """
    _check_name(name)
    origin = load_environment(base)
    _check_base(origin)
    others = _others(name)
    network = choose_network(others) if cidr is None else _network(cidr)
    if cidr is not None:
        check_network(network, others)
    created = (now or datetime.now(UTC)).replace(microsecond=0)
    data = read_document(environment_file(base)).data or {}
    content = derived(data, origin, name=name, cidr=network, created=created, expires=created + ttl)
    environment, problems = diagnose(content, utc_today())
    if environment is None or problems:
        raise EnvironmentFileError(_path(name), problems)
    return environment, content


def write_ephemeral(environment: Environment, content: Mapping[str, Any]) -> Path:
    """Write the file. Of two who make one of the same name at the same moment, the second gets `NoSuchEphemeral`."""
    path = _path(environment.name)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = _temporary(path, content)
    try:
        os.link(temporary, path)  # unlike a rename, refuses to replace another's
    except FileExistsError:
        raise _taken(environment.name) from None
    finally:
        temporary.unlink()
    return path


def prolong_ephemeral(name: str, ttl: timedelta, now: datetime | None = None) -> Environment:
    """Let the environment end `ttl` from now. Raises `NoSuchEphemeral` for one that lasts."""
    environment = load_environment(name)
    if environment.ephemeral is None:
        raise NoSuchEphemeral(
            f"{name} is an environment that lasts: expected no --ttl for it. With --from BASE, under a name of its own, one "
            "is made for a time. Nothing was changed."
        )
    path = _path(name)
    content = dict(read_document(path).data or {})
    expires = (now or datetime.now(UTC)).replace(microsecond=0) + ttl
    content["ephemeral"] = {**content["ephemeral"], "expires": f"{expires:%Y-%m-%dT%H:%M:%SZ}"}
    _temporary(path, content).replace(path)
    return load_environment(name)


def forget_ephemeral(environment: Environment) -> bool:
    """Remove the file of an environment that was made for a time; says whether there was one. Never another's."""
    if environment.ephemeral is None:
        return False
    path = _path(environment.name)
    existed = path.is_file()
    path.unlink(missing_ok=True)
    return existed


def _check_name(name: str) -> None:
    try:
        TypeAdapter[str](EnvironmentName).validate_python(name)
    except ValidationError as error:
        context = error.errors(include_url=False)[0].get("ctx", {})
        raise NoSuchEphemeral(
            f"the name {name!r} {context.get('reason', 'cannot be used')}. {context.get('remedy', '')} Nothing was made."
        ) from None
    if name in environment_names():
        raise _taken(name)


def _taken(name: str) -> NoSuchEphemeral:
    return NoSuchEphemeral(
        f"there is an environment {name} already ({environment_file(name)}). Choose another name, or leave --from out to go "
        "on with that one. Nothing was made."
    )


def _check_base(base: Environment) -> None:
    reasons = (
        (base.ephemeral is not None, "was itself made for a time"),
        (base.tier is Tier.PRODUCTION, "is of the production tier"),
        (base.requires_approval, "is changed only as an approved plan (requires_approval)"),
        (base.protection, "is protected against deletion (protection)"),
    )
    for holds, reason in reasons:
        if holds:
            raise NoSuchEphemeral(
                f"expected a base that anybody may change and delete, as dev is, found {base.name}, which {reason}. "
                "Nothing was made."
            )


def _others(name: str) -> list[Environment]:
    """The environments whose networks are taken. One with a wrong file has none that could be known."""
    found = []
    for other in environment_names():
        if other != name:
            with suppress(EnvironmentFileError):
                found.append(load_environment(other))
    return found


def _network(text: str) -> IPv4Network:
    try:
        return TypeAdapter[IPv4Network](Cidr).validate_python(text)
    except ValidationError as error:
        context = error.errors(include_url=False)[0].get("ctx", {})
        raise NoSuchEphemeral(
            f"--cidr {text!r} {context.get('reason', 'is no network')}. {context.get('remedy', '')} Nothing was made."
        ) from None


def _path(name: str) -> Path:
    return ephemeral_directory() / f"{name}{SUFFIX}"


def _temporary(path: Path, content: Mapping[str, Any]) -> Path:
    """The content on the disk beside `path`, under a name that is no environment's."""
    base = content["ephemeral"]["base"]
    text = _HEAD.format(name=content["name"], base=base) + yaml.safe_dump(dict(content), sort_keys=False, width=120)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    return Path(temporary)
