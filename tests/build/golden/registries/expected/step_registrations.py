"""Written by workflow-build 0.1.0. Do not edit.

Imports each step by name and uses it, so that no tool that removes unused imports, and
no packager, can drop one.
"""
# ruff: noqa: BLE001 - a module that fails to import fails its own steps and no others

from workflow_runtime.project import Registrations

STEPS = Registrations()

try:
    from registries.flows import echo
except Exception as error:
    STEPS.unavailable(
        "registries.flows",
        error,
        [
            "step//registries.flows//echo",
        ],
    )
else:
    STEPS.add("step//registries.flows//echo", echo)
