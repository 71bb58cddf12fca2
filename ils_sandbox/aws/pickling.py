"""Pickling of moto's backends: everything in them is plain data, but for a few things that pickle does not take.

Pickling was chosen over recording and replaying requests. A replay gives new random ids wherever moto or the overlay
draws them in another order, runs every call again (3 ms each, and the intermediate states with it), and grows with the
history instead of the contents; a pickle restores the very objects, shared ones as shared, in milliseconds.
"""

from __future__ import annotations

import importlib
import io
import marshal
import pickle
import threading
import types
import weakref
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
    load_der_public_key,
)
from cryptography.x509 import Certificate, load_der_x509_certificate

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey


class BackendPickler(pickle.Pickler):
    """A pickler that takes locks (as new ones), keys, certificates, weak dictionaries and functions without a name."""

    def reducer_override(self, obj: Any) -> Any:
        # Asked for every object that is not built in: a look at its type has to be enough for almost all of them.
        reducer = _reducer(type(obj))  # type: ignore[arg-type] # mypy takes no class for hashable
        return NotImplemented if reducer is None else reducer(obj)


@cache
def _reducer(kind: type) -> Callable[[Any], Any] | None:
    """How objects of a type are pickled; None for what pickle takes as it is."""
    if kind in (defaultdict, OrderedDict):
        # Those two have their subclasses made anew by calling them, and moto's want arguments.
        return None
    return next((reducer for base, reducer in _REDUCERS.items() if issubclass(kind, base)), None)


def _reduce_private_key(key: PrivateKey) -> Any:
    return _load_private_key, (key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),)


def _reduce_public_key(key: PublicKey) -> Any:
    return _load_public_key, (key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),)


def _reduce_certificate(certificate: Certificate) -> Any:
    return _load_certificate, (certificate.public_bytes(Encoding.DER),)


def _reduce_weak_dictionary(dictionary: weakref.WeakValueDictionary[Any, Any]) -> Any:
    return weakref.WeakValueDictionary, (), None, None, iter(list(dictionary.items()))


def _reduce_dictionary(dictionary: Any) -> Any:
    factory = dictionary.default_factory if isinstance(dictionary, defaultdict) else None
    state = (factory, vars(dictionary), list(dictionary.items()))
    return _make_dictionary, (type(dictionary),), state, None, None, _fill_dictionary


def _reduce_function(function: types.FunctionType) -> Any:
    if "<locals>" not in function.__qualname__:
        return NotImplemented
    cells = tuple(cell.cell_contents for cell in function.__closure__ or ())
    state = (function.__defaults__, function.__kwdefaults__, cells)
    arguments = (marshal.dumps(function.__code__), function.__module__, function.__qualname__, len(cells))
    return _make_function, arguments, state, None, None, _fill_function


_REDUCERS: dict[Any, Callable[[Any], Any]] = {
    type(threading.Lock()): lambda _: (threading.Lock, ()),
    type(threading.RLock()): lambda _: (threading.RLock, ()),
    PrivateKey: _reduce_private_key,
    PublicKey: _reduce_public_key,
    Certificate: _reduce_certificate,
    weakref.WeakValueDictionary: _reduce_weak_dictionary,
    defaultdict | OrderedDict: _reduce_dictionary,
    types.FunctionType: _reduce_function,
}


def _load_private_key(der: bytes) -> Any:
    return load_der_private_key(der, None)


def _load_public_key(der: bytes) -> Any:
    return load_der_public_key(der)


def _load_certificate(der: bytes) -> Any:
    return load_der_x509_certificate(der)


def _make_function(code: bytes, module: str, qualname: str, cells: int) -> types.FunctionType:
    """A function without what it closes over: that may refer to the function."""
    closure = tuple(types.CellType() for _ in range(cells))
    function = types.FunctionType(marshal.loads(code), vars(importlib.import_module(module)), closure=closure)  # noqa: S302 our own snapshot
    function.__qualname__ = qualname
    return function


def _fill_function(function: types.FunctionType, state: tuple[Any, Any, tuple[Any, ...]]) -> None:
    function.__defaults__, function.__kwdefaults__, cells = state
    for cell, contents in zip(function.__closure__ or (), cells, strict=True):
        cell.cell_contents = contents


def _make_dictionary(kind: type[dict[Any, Any]]) -> dict[Any, Any]:
    return kind.__new__(kind)


def _fill_dictionary(dictionary: dict[Any, Any], state: tuple[Any, dict[str, Any], list[tuple[Any, Any]]]) -> None:
    factory, attributes, items = state
    if isinstance(dictionary, defaultdict):
        dictionary.default_factory = factory
    vars(dictionary).update(attributes)
    for key, value in items:
        base = OrderedDict if isinstance(dictionary, OrderedDict) else dict
        base.__setitem__(dictionary, key, value)


def dumps(value: Any) -> bytes:
    stream = io.BytesIO()
    BackendPickler(stream, protocol=5).dump(value)
    return stream.getvalue()


def loads(content: bytes) -> Any:
    """What `dumps` was given. Only ever called on the snapshot that this user's sandbox wrote."""
    return pickle.loads(content)  # noqa: S301
