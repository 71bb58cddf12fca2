"""A program that is still running when Pulumi has ended, because something else failed or somebody killed it.

What Pulumi's SDK wants to log then reaches nobody. It lets the failure of that stop it from ending the program's tasks, which
end later, anywhere, with tracebacks on standard error.
"""

from __future__ import annotations

from typing import Any


def outlive_engine() -> None:
    """Let what this program logs be lost once Pulumi is gone. Called from within the program."""
    from grpc import RpcError, StatusCode  # type: ignore[import-untyped]
    from pulumi.runtime.settings import get_engine

    engine: Any = get_engine()
    tell = engine.Log

    def log(request: Any) -> Any:
        try:
            return tell(request)
        except RpcError as error:
            if error.code() is not StatusCode.UNAVAILABLE:
                raise
            return None

    # On the stub itself: the SDK logs outside of the program's context, too.
    engine.Log = log
