"""Bringing messages to functions that run only when they are called: ``python -m workflow_runtime worker --push URL``."""
