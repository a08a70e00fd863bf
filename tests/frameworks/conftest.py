"""Shops of all targets, built once each."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tests.frameworks.shop import build
from tests.frameworks.targets import target

Built = Callable[[str], Path]


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Gives the folder of a target's built shop."""

    @cache
    def folder(name: str) -> Path:
        return build(target(name), tmp_path_factory.mktemp(name) / "app")

    return folder
