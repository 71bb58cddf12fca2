"""Running a program with Pulumi's Python SDK connected to a deployment in the same process."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import pulumi.runtime
from pulumi.runtime import settings

from ils_pipelines.engine.errors import EngineError
from ils_sandbox.engine.deployment import Deployment
from ils_sandbox.engine.monitor import EngineLog, Monitor
from ils_sandbox.engine.providers import CALL_THREADS


def run_program(deployment: Deployment, config: Mapping[str, str]) -> None:
    """Run the stack's program to its end. What it registers has been carried out, or has failed, when this returns.

    Raises what the program raised, unless the deployment knows a reason of its own.
    """
    contextvars.copy_context().run(_run, deployment, config)


def _run(deployment: Deployment, config: Mapping[str, str]) -> None:
    # The SDK keeps its state in context variables, so several programs can run in one process, each in its own context.
    settings.ROOT.set(None)
    settings.configure(
        settings.Settings(
            project=deployment.stack.project,
            stack=deployment.stack.name,
            organization="organization",
            dry_run=deployment.preview,
            monitor=Monitor(deployment),
            engine=EngineLog(deployment),
        )
    )
    pulumi.runtime.set_all_config(dict(config))
    loop = asyncio.new_event_loop()
    pool = ThreadPoolExecutor(CALL_THREADS, thread_name_prefix="registration")
    loop.set_default_executor(pool)
    # Outputs of what was never registered fail along with it; the reason is reported once, by the deployment.
    loop.set_exception_handler(lambda _loop, _context: None)
    error: Exception | None = None
    try:
        loop.run_until_complete(pulumi.runtime.run_in_stack(deployment.stack.program))
    except Exception as raised:  # noqa: BLE001 reported below, when everything under way has ended
        error = raised
    finally:
        pool.shutdown(wait=True)
        loop.run_until_complete(_end_tasks())
        loop.close()
    if error is not None and not deployment.failures():
        raise EngineError(f"the program of {deployment.stack} failed: {type(error).__name__}: {error}") from error


async def _end_tasks() -> None:
    """End what waits for outputs that will never come."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
