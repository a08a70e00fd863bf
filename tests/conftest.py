"""What all tests share: the switch that rewrites golden files."""

from __future__ import annotations

import os

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--update-golden``."""
    parser.addoption("--update-golden", action="store_true", help="rewrite the golden files; review the diff like code")


def pytest_configure(config: pytest.Config) -> None:
    """Refuse to bless anything where nobody looks at the diff."""
    if config.getoption("--update-golden") and os.environ.get("CI"):
        raise pytest.UsageError("--update-golden is refused in CI: update on your machine and review the diff")
