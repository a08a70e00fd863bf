"""Written by workflow-build 0.1.0. Do not edit.

Imports each step by name and uses it, so that no tool that removes unused imports, and
no packager, can drop one.
"""
# ruff: noqa: BLE001 - a module that fails to import fails its own steps and no others

from workflow_runtime.project import Registrations

STEPS = Registrations()

try:
    from layout_more.pay import charge
except Exception as error:
    STEPS.unavailable(
        "layout_more.pay",
        error,
        [
            "step//layout_more.pay//charge",
        ],
    )
else:
    STEPS.add("step//layout_more.pay//charge", charge)
