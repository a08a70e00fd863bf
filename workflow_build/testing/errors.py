"""What the fixtures raise when a test can not go on."""

from __future__ import annotations


class ProjectError(Exception):
    """The project that is to be tested is not there, can not be compiled, or can not be imported."""


class StuckError(AssertionError):
    """What a test waits for will not come: the message says what the run waits for instead."""
