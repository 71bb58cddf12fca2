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
from typing import Any

_LOCKS: dict[type, str] = {type(threading.Lock()): "Lock", type(threading.RLock()): "RLock"}


class BackendPickler(pickle.Pickler):
    """A pickler that takes locks (as new ones), weak dictionaries and functions that no module names."""

    def reducer_override(self, obj: Any) -> Any:
        lock = _LOCKS.get(type(obj))
        if lock is not None:
            return getattr(threading, lock), ()
        if isinstance(obj, weakref.WeakValueDictionary):
            return weakref.WeakValueDictionary, (), None, None, iter(list(obj.items()))
        if isinstance(obj, types.FunctionType) and "<locals>" in obj.__qualname__:
            cells = tuple(cell.cell_contents for cell in obj.__closure__ or ())
            state = (obj.__defaults__, obj.__kwdefaults__, cells)
            arguments = (marshal.dumps(obj.__code__), obj.__module__, obj.__qualname__, len(cells))
            return _make_function, arguments, state, None, None, _fill_function
        return NotImplemented


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


def dumps(value: Any) -> bytes:
    stream = io.BytesIO()
    BackendPickler(stream, protocol=5).dump(value)
    return stream.getvalue()


def loads(content: bytes) -> Any:
    """What `dumps` was given. Only ever called on the snapshot that this user's sandbox wrote."""
    return pickle.loads(content)  # noqa: S301
