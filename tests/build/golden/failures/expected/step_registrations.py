"""Written by workflow-build 0.1.0. Do not edit.

Imports each step by name and uses it, so that no tool that removes unused imports, and
no packager, can drop one.
"""
# ruff: noqa: BLE001 - a module that fails to import fails its own steps and no others

from workflow_runtime.project import Registrations

STEPS = Registrations()

try:
    from failures.flows import charge
except Exception as error:
    STEPS.unavailable(
        "failures.flows",
        error,
        [
            "step//failures.flows//charge",
        ],
    )
else:
    STEPS.add("step//failures.flows//charge", charge)
