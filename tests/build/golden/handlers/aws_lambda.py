"""Written by workflow-build 0.1.0. Do not edit.

The combined handler of this project for AWS Lambda. Below the function's own handler:

    from shop._workflow.aws_lambda import mount

    handler = mount(handler)

``mount`` gives a handler that answers the workflow routes, handles the messages of the
workflow's SQS queue, and hands every other event on. ``handler`` of this module takes
nothing else, as a function of its own. There is no worker: what an event brings is done
when the invocation ends. Set ``WORKFLOW_INVOCATION_BUDGET`` below the time limit.
"""

from workflow_runtime.aws_lambda import EventHandler, LambdaMount
from workflow_runtime.bridge import Bridge
from workflow_runtime.service import Service

from . import PROJECT
from .step_registrations import STEPS

service = Service(PROJECT, STEPS)
bridge = Bridge(service, pulls=False)
handler = LambdaMount(bridge)


def mount(rest: EventHandler) -> LambdaMount:
    """Give a handler that takes what is ours, and hands all else on."""
    return LambdaMount(bridge, rest)
