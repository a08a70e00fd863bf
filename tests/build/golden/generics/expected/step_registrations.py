"""Written by workflow-build 0.1.0. Do not edit.

Imports each step by name and uses it, so that no tool that removes unused imports, and
no packager, can drop one.
"""
# ruff: noqa: BLE001 - a module that fails to import fails its own steps and no others

from workflow_runtime.project import Registrations

STEPS = Registrations()

try:
    from generics.flows import boxed, first
except Exception as error:
    STEPS.unavailable(
        "generics.flows",
        error,
        [
            "step//generics.flows//boxed",
            "step//generics.flows//first",
        ],
    )
else:
    STEPS.add("step//generics.flows//boxed", boxed)
    STEPS.add("step//generics.flows//first", first)
