"""Doing one thing to one layer as a step of a Dagster run: events logged as they come, failures that read well."""

import time
from collections.abc import Callable
from datetime import timedelta

from dagster import AssetExecutionContext, Failure, OpExecutionContext

from ils_pipelines.defs.executor import step_cancel_event
from ils_pipelines.defs.metadata import failure_metadata
from ils_pipelines.defs.resources import EnvironmentTargets
from ils_pipelines.defs.step_log import StepLog
from ils_pipelines.engine.models import EngineEvent
from ils_pipelines.engine.protocol import OnEvent
from ils_pipelines.errors import IlsError
from ils_pipelines.provisioning.approval import Permit
from ils_pipelines.provisioning.layers import TAKE_OVER_TAG, layer_work, perform
from ils_pipelines.provisioning.price_reading import Prices
from ils_pipelines.provisioning.progress import (
    Action,
    LayerEvent,
    LayerFailed,
    LayerFinished,
    LayerReport,
    LayerStarted,
    publish,
)
from ils_pipelines.settings.layers import Layer

StepContext = AssetExecutionContext | OpExecutionContext


def work_on_layer(context: StepContext, targets: EnvironmentTargets, layer: Layer, action: Action) -> LayerReport:
    """Preview, bring up or destroy a layer of the run's environment. Raises what `told` raises."""

    def work(on_event: OnEvent) -> LayerReport:
        permit, prices = Permit(), None
        if action is Action.UP:
            target, permit = targets.open_approved(context.partition_key, context.run_id)
        elif action is Action.PREVIEW:
            target = targets.open_checked(context.partition_key)
            prices = Prices(target).table
        else:
            target = targets.open(context.partition_key)
        return perform(
            layer_work(target, layer, take_over=context.run.tags.get(TAKE_OVER_TAG) == "true"),
            action,
            environment=target.environment,
            layer=layer,
            approved=permit.of(layer),
            on_event=on_event,
            cancel=step_cancel_event(),
            prices=prices,
        )

    return told(context, layer, action, work)


def told(context: StepContext, layer: Layer, action: Action, work: Callable[[OnEvent], LayerReport]) -> LayerReport:
    """Do something to a layer, with its events in the step's log and whoever listens to the run told as well.

    Raises `Failure`, with the message alone, for an error that was written for a person; others pass as they are.
    """
    run_id = context.run_id
    started = time.monotonic()
    publish(run_id, LayerStarted(layer, action))
    try:
        with StepLog(context.log) as log:

            def on_event(event: EngineEvent) -> None:
                # A preview does nothing that could be watched: what it finds is in its plan.
                if action is not Action.PREVIEW or event.change is None:
                    publish(run_id, LayerEvent(layer, event))
                    log(event)

            report = work(on_event)
    except Exception as error:
        failed = LayerFailed(layer, error, timedelta(seconds=time.monotonic() - started))
        publish(run_id, failed)
        if isinstance(error, IlsError):
            raise Failure(description=failed.message, metadata=failure_metadata(error), allow_retries=False) from error
        raise
    publish(run_id, LayerFinished(layer, report))
    return report
