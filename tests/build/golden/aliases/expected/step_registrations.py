"""Written by workflow-build 0.1.0. Do not edit.

Imports each step by name and uses it, so that no tool that removes unused imports, and
no packager, can drop one.
"""
# ruff: noqa: BLE001 - a module that fails to import fails its own steps and no others

from workflow_runtime.project import Registrations

STEPS = Registrations()

try:
    from aliases.api.pay import charge as aliases_api_pay_charge
    from aliases.api.pay import refund
except Exception as error:
    STEPS.unavailable(
        "aliases.api.pay",
        error,
        [
            "step//aliases.api.pay//charge",
            "step//aliases.api.pay//refund",
        ],
    )
else:
    STEPS.add("step//aliases.api.pay//charge", aliases_api_pay_charge)
    STEPS.add("step//aliases.api.pay//refund", refund)

try:
    from aliases.flows import third
except Exception as error:
    STEPS.unavailable(
        "aliases.flows",
        error,
        [
            "step//aliases.flows//third",
        ],
    )
else:
    STEPS.add("step//aliases.flows//third", third)

try:
    from aliases.other import charge as aliases_other_charge
except Exception as error:
    STEPS.unavailable(
        "aliases.other",
        error,
        [
            "step//aliases.other//charge",
        ],
    )
else:
    STEPS.add("step//aliases.other//charge", aliases_other_charge)
