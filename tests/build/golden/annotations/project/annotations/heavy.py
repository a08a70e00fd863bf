"""Loads much, and touches the world when it is loaded."""

import os

HOME = os.environ.get("HOME")


class Client:
    """Not for workflows."""
