"""Written by workflow-build 0.1.0. Do not edit.

Imports each step by name and uses it, so that no tool that removes unused imports, and
no packager, can drop one.
"""
# ruff: noqa: BLE001 - a module that fails to import fails its own steps and no others

from workflow_runtime.project import Registrations

STEPS = Registrations()

try:
    from methods.orders import Customer, Order, Size
except Exception as error:
    STEPS.unavailable(
        "methods.orders",
        error,
        [
            "step//methods.orders//Customer._stored",
            "step//methods.orders//Order.largest",
            "step//methods.orders//Order.of",
            "step//methods.orders//Order.ship",
            "step//methods.orders//Order.smallest",
            "step//methods.orders//Size.price",
        ],
    )
else:
    STEPS.add("step//methods.orders//Customer._stored", Customer._stored)
    STEPS.add("step//methods.orders//Order.largest", Order.largest)
    STEPS.add("step//methods.orders//Order.of", Order.of)
    STEPS.add("step//methods.orders//Order.ship", Order.ship)
    STEPS.add("step//methods.orders//Order.smallest", Order.smallest)
    STEPS.add("step//methods.orders//Size.price", Size.price)
