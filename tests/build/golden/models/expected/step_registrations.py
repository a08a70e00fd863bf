"""Written by workflow-build 0.1.0. Do not edit.

Imports each step by name and uses it, so that no tool that removes unused imports, and
no packager, can drop one.
"""
# ruff: noqa: BLE001 - a module that fails to import fails its own steps and no others

from workflow_runtime.project import Registrations

STEPS = Registrations()

try:
    from models.flows import load, pay
except Exception as error:
    STEPS.unavailable(
        "models.flows",
        error,
        [
            "step//models.flows//load",
            "step//models.flows//pay",
        ],
    )
else:
    STEPS.add("step//models.flows//load", load)
    STEPS.add("step//models.flows//pay", pay)
