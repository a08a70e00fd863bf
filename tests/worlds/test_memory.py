"""The memory world keeps every promise of the world interface."""

from __future__ import annotations

import pytest

from workflow_runtime.errors import WorldError
from workflow_runtime.testing.conformance import WorldConformance
from workflow_runtime.testing.harness import Harness
from workflow_runtime.worlds.memory import MemoryWorld


class TestMemoryWorld(WorldConformance):
    @pytest.fixture
    def harness(self, memory_harness: Harness) -> Harness:
        return memory_harness


async def test_a_memory_world_that_is_not_open_says_so() -> None:
    world = MemoryWorld()
    with pytest.raises(WorldError, match=r"await open\(\)"):
        await world.list_runs()
