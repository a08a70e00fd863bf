"""The Postgres world keeps every promise of the world interface."""

from __future__ import annotations

import pytest

from workflow_runtime.testing.conformance import WorldConformance
from workflow_runtime.testing.harness import Harness


class TestPostgresWorld(WorldConformance):
    @pytest.fixture
    def harness(self, postgres_harness: Harness) -> Harness:
        return postgres_harness
