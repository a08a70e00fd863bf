"""What all tests share: the switch that rewrites golden files, and that none leaves projects behind."""

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


@pytest.fixture(autouse=True)
def _no_project_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """Projects are known by the whole process, and many tests give the same name to theirs."""
    from workflow_runtime import project  # only now, so that its import is measured, too

    monkeypatch.setattr(project, "_projects", dict(project._projects))
