"""What the source of the code says it can call, for cases that no recording has."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from botocore import xform_name
from botocore.session import get_session

from ils_sandbox.provider import services
from ils_sandbox.provider.resource import ResourceType
from tools.iam.seen import Calls


def declared() -> Calls:
    """What the sandbox's provider can call for the resource types it knows, updates included: no recorded life has all.

    Read from its source: every text there that is the name of an operation of the service in hand.
    """
    found: dict[str, set[str]] = defaultdict(set)
    for module in pkgutil.iter_modules(services.__path__, f"{services.__name__}."):
        loaded = importlib.import_module(module.name)
        types: Iterable[ResourceType] = getattr(loaded, "TYPES", ())
        texts = _texts(inspect.getsource(loaded))
        for service in {each.service for each in types}:
            known = _operations(service)
            found[service] |= {known[text] for text in texts if text in known}
    return {service: sorted(operations) for service, operations in sorted(found.items()) if operations}


def named(operation: str, called: Calls) -> Calls:
    """What the source of a scan, a package of `operations`, names of the services that it was seen to call: no recorded life
    has every case.
    """
    package = importlib.import_module(f"ils_pipelines.operations.{operation}")
    sources = [path.read_text() for path in sorted(Path(package.__path__[0]).rglob("*.py"))]
    words = {word for source in sources for word in (*_texts(source), *_attributes(source))}
    found = {service: {name for word, name in _operations(service).items() if word in words} for service in called}
    return {service: sorted(operations) for service, operations in sorted(found.items()) if operations}


def _attributes(source: str) -> set[str]:
    return {node.attr for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Attribute)}


def _texts(source: str) -> set[str]:
    return {
        node.value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def _operations(service: str) -> dict[str, str]:
    """The operations of a service by the names that boto3 gives them."""
    return {xform_name(name): name for name in get_session().get_service_model(service).operation_names}
