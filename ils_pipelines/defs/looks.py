"""What the steps of a run find out about an environment, each thing once."""

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Any, TypeVar

from dagster import ConfigurableResource, Failure
from pydantic import PrivateAttr

from ils_pipelines.errors import IlsError

T = TypeVar("T")


class Looks(ConfigurableResource):  # type: ignore[type-arg]
    """Lets the checks of a run and its report share one look at the environment. Knows nothing of other processes."""

    _found: dict[Hashable, Future[Any]] = PrivateAttr(default_factory=dict)
    _lock: threading.Lock = PrivateAttr(default_factory=threading.Lock)

    def share(self, run_id: str, what: Hashable, look: Callable[[], T]) -> T:
        """What `look` gives, or gave before in this run. Raises `Failure`, with the message alone, for an `IlsError`."""
        with self._lock:
            found = self._found.get((run_id, what))
            first = found is None
            if found is None:
                found = self._found[run_id, what] = Future()
        if first:
            try:
                found.set_result(look())
            except BaseException as error:  # noqa: BLE001 whoever asks gets it, this caller included
                found.set_exception(error)
        try:
            result: T = found.result()
        except IlsError as error:
            raise Failure(description=str(error), allow_retries=False) from error
        return result
