"""Written by workflow-build 0.1.0. Do not edit.

Imports each step by name and uses it, so that no tool that removes unused imports, and
no packager, can drop one.
"""
# ruff: noqa: BLE001 - a module that fails to import fails its own steps and no others

import workflow_runtime
from workflow_runtime.nested import nested_step
from workflow_runtime.project import Registrations

STEPS = Registrations()

try:
    from nested.flows import Flows, main, priced, unfit
except Exception as error:
    STEPS.unavailable(
        "nested.flows",
        error,
        [
            "step//nested.flows//Flows.run.<locals>.outer.<locals>.inner",
            "step//nested.flows//main.<locals>.double",
            "step//nested.flows//main.<locals>.greet",
            "step//nested.flows//priced.<locals>.price",
            "step//nested.flows//unfit.<locals>.use",
        ],
    )
else:
    STEPS.add(
        "step//nested.flows//Flows.run.<locals>.outer.<locals>.inner",
        nested_step(
            Flows.run,
            "outer.<locals>.inner",
            timeout="30 s",
            retry={
                workflow_runtime.StepTimeoutError: workflow_runtime.NO_RETRY,
                OSError: workflow_runtime.exponential(
                    1,
                    cap="5 min",
                ),
            },
        ),
    )
    STEPS.add(
        "step//nested.flows//main.<locals>.double",
        nested_step(main, "double"),
    )
    STEPS.add(
        "step//nested.flows//main.<locals>.greet",
        nested_step(main, "greet"),
    )
    STEPS.add(
        "step//nested.flows//priced.<locals>.price",
        nested_step(priced, "price", max_retries=0),
    )
    STEPS.add(
        "step//nested.flows//unfit.<locals>.use",
        nested_step(unfit, "use"),
    )
