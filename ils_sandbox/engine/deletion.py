"""Deleting resources, dependents first, what is independent at the same time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from ils_pipelines.engine.errors import EngineError
from ils_sandbox.engine.state import ResourceState

THREADS = 32


def delete_in_order(
    doomed: Iterable[ResourceState],
    delete: Callable[[ResourceState], None],
    stop: Callable[[], bool],
) -> list[Exception]:
    """Call `delete` for each state once everything that refers to it is deleted. After a failure, or when `stop` says so,
    nothing new is started and what is under way is finished. Returns the failures."""
    waiting = list(doomed)
    blockers = {id(state): _referring(state, waiting) for state in waiting}
    running: dict[Future[None], ResourceState] = {}
    failures: list[Exception] = []
    with ThreadPoolExecutor(THREADS, thread_name_prefix="delete") as pool:
        while running or (waiting and not failures and not stop()):
            if not failures and not stop():
                for state in [state for state in waiting if not blockers[id(state)]]:
                    waiting.remove(state)
                    running[pool.submit(delete, state)] = state
            if not running:
                if not failures and not stop():
                    names = ", ".join(sorted(state.urn for state in waiting))
                    failures.append(EngineError(f"these resources refer to each other in a circle: {names}"))
                break
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                state = running.pop(future)
                error = future.exception()
                if isinstance(error, Exception):
                    failures.append(error)
                    continue
                for others in blockers.values():
                    others.discard(id(state))
    return failures


def _referring(state: ResourceState, states: list[ResourceState]) -> set[int]:
    """Identities of the states that refer to `state` and so must be deleted before it.

    Of two states with one URN, a replaced one and its successor, others refer to the successor.
    """
    return {id(other) for other in states if other is not state and state.urn in other.references()}
