"""Written by workflow-build 0.1.0. Do not edit.

Imports each step by name and uses it, so that no tool that removes unused imports, and
no packager, can drop one.
"""
# ruff: noqa: BLE001 - a module that fails to import fails its own steps and no others

from workflow_runtime.project import Registrations

STEPS = Registrations()

try:
    from shop.payments import cancel as shop_payments_cancel
    from shop.payments import charge
except Exception as error:
    STEPS.unavailable(
        "shop.payments",
        error,
        [
            "step//shop.payments//cancel",
            "step//shop.payments//charge",
        ],
    )
else:
    STEPS.add("step//shop.payments//cancel", shop_payments_cancel)
    STEPS.add("step//shop.payments//charge", charge)

try:
    from shop.stock import cancel as shop_stock_cancel
    from shop.stock import reserve
except Exception as error:
    STEPS.unavailable(
        "shop.stock",
        error,
        [
            "step//shop.stock//cancel",
            "step//shop.stock//reserve",
        ],
    )
else:
    STEPS.add("step//shop.stock//cancel", shop_stock_cancel)
    STEPS.add("step//shop.stock//reserve", reserve)
